"""Tokens: every format Keystone has had, their keys and their revocation, as pure rules.

Nothing here is an actor, reads a clock or draws from a global source of chance: the time is always an argument in
seconds since the epoch, and random bytes come from a `Randomness` that the caller hands in.

=============== ===================================================================================
`claims`        what a token says, whatever its format
`methods`       the names of sign-in methods as the bits of a number
`payloads`      the eleven layouts inside a Fernet token
`cipher`        one Fernet key, and tokens sealed and opened with it
`directory`     a folder of small files, in memory or on disk, and what is made of them
`watch`         whether a folder on disk changed, told without reading it
`keys`          a folder of Fernet keys: staged, primary, secondary
`rotation`      setting up, rotating and distributing keys, one file operation at a time
`survey`        what each file in such a folder is good for
`lifetime`      how long tokens live
`advice`        how many keys that takes, and which tokens a plan for rotating them loses
`provider`      the one protocol of all formats
`fernet` `jws`  tokens that carry their claims and are stored nowhere
`uuid` `pki`    tokens that Keystone stores: a name only, or the whole body signed
`store`         the SQL table of stored tokens
`cms`           signed messages (PKI, PKIZ and revocation lists) as text
`authority`     the keys and certificates that sign them
`body`          a token's claims as the JSON body of Keystone's API
`unverified`    what a token says by its own word
`revocation`    revocation events and which tokens they hit
`errors`        everything that can go wrong, with the status that Keystone answers
=============== ===================================================================================
"""

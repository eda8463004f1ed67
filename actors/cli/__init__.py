"""The command line, ``python -m actors``: one module for each command.

============ ====================================================================================================
`main`       the command that all others belong to, and what happens to errors
`boot`       the journey of one boot, and of one whose token dies; with `launch`, `tour`, `story` and `bodies`
`hunt`       search a cloud for what timing breaks
`matrix`     what an expiring token does, step by step
`races`      is each real bug of the catalogue found
`tokens`     key repositories, and what is in a token
`advise`     how many keys must be kept: a part of `tokens`
`boot`       the journey of a boot; `tour` says which boots are shown
`launch`     one boot in a cloud of its own: a part of `boot`
`story`      a boot as people read it: a part of `boot`
`bodies`     requests as clients send them
`options`    kinds of values that several commands take
`tables`     tables, on a terminal or in a file
`machine`    the machine's own chance, for keys that real clouds use
============ ====================================================================================================
"""

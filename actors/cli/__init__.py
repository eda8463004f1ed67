"""The command line, ``python -m actors``: one module for each command.

============ =================================================================
`main`       the command that all others belong to, and what happens to errors
`tokens`     key repositories, and what is in a token
`advise`     how many keys must be kept: a part of `tokens`
`options`    kinds of values that several commands take
`tables`     tables, on a terminal or in a file
`machine`    the machine's own chance, for keys that real clouds use
============ =================================================================
"""

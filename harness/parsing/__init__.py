"""What the tools print, read by pure functions: text in, frozen dataclass out, one module a tool.

Every parser ignores order, colour, carriage returns and lines that it does not know, keeps what a cut or interleaved
log still says, flags what contradicts itself (``Finding``) and raises ``ParseError`` when it understood nothing.
"""

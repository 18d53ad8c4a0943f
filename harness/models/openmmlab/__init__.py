"""Networks of mmsegmentation 0.x and mmaction2 0.x, described and exported by the interpreter that has them."""

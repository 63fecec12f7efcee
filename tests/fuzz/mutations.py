"""Files that were once whole: cut, changed, doubled."""

from hypothesis import strategies as st


@st.composite
def mutated(draw: st.DrawFn, content: bytes, *, most: int = 8) -> bytes:
    """A few random changes; often in the first bytes, where headers are."""
    found = bytearray(content)
    for _ in range(draw(st.integers(1, most))):
        kind = draw(st.sampled_from(("flip", "flip", "flip", "cut", "insert", "double", "zero")))
        end = len(found)
        near = draw(st.booleans())
        place = draw(st.integers(0, min(end, 256) if near else end)) if end else 0
        if kind == "flip" and place < end:
            found[place] = draw(st.integers(0, 255))
        elif kind == "cut":
            stop = end if draw(st.booleans()) else place + draw(st.integers(1, 64))
            del found[place:stop]
        elif kind == "insert":
            found[place:place] = draw(st.binary(max_size=24))
        elif kind == "double":
            found[place:place] = found[place : place + draw(st.integers(1, 128))]
        elif kind == "zero":
            size = min(draw(st.integers(1, 64)), end - place)
            found[place : place + size] = bytes(size)
    return bytes(found)

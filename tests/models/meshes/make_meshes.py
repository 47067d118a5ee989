"""Writes the two meshes of mesh.xml: pebble.stl (convex, skewed, binary) and bracket.obj (an L, not convex)."""

import pathlib
import struct

here = pathlib.Path(__file__).parent

# A skewed octahedron: six corners, eight faces seen counterclockwise from outside.
corners = [(1.1, 0.2, -0.1), (-0.9, 0.1, 0.2), (0.15, 0.8, 0.05), (-0.1, -0.7, -0.2), (0.2, 0.1, 0.6), (-0.05, -0.15, -0.9)]
faces = [(0, 2, 4), (2, 1, 4), (1, 3, 4), (3, 0, 4), (2, 0, 5), (1, 2, 5), (3, 1, 5), (0, 3, 5)]
stl = b"pebble".ljust(80) + struct.pack("<I", len(faces))
for face in faces:
    stl += struct.pack("<12fH", 0, 0, 0, *(x for i in face for x in corners[i]), 0)
(here / "pebble.stl").write_bytes(stl)

# An L in the plane, pulled up along z; some faces are triangles, the sides are quads.
outline = [(0, 0), (3, 0), (3, 0.8), (1, 1), (1, 2.5), (0, 2.2)]
height = 1.2
lines = ["# bracket: an L-shaped prism"]
lines += [f"v {x:g} {y:g} {z:g}" for z in (0, height) for x, y in outline]
n = len(outline)
for a, b, c in [(0, 1, 2), (0, 2, 3), (0, 3, 4), (0, 4, 5)]:
    lines.append(f"f {c + 1} {b + 1} {a + 1}")
    lines.append(f"f {a + n + 1} {b + n + 1} {c + n + 1}")
for i in range(n):
    j = (i + 1) % n
    lines.append(f"f {i + 1} {j + 1} {j + n + 1} {i + n + 1}")
(here / "bracket.obj").write_text("\n".join(lines) + "\n")

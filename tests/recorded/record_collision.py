"""Records where MuJoCo finds that two shapes touch.

    python tests/recorded/record_collision.py

Needs mujoco==4.0.0 and numpy. Writes collision.json beside this script: for every pair of shapes that has a closed
formula a list of placements, a third of them apart within the margin, a third shallow, a third deep, and a few too far
apart, with the contacts in MuJoCo's order. A placement is [size, position, quaternion]; a contact is [distance, point,
normal, first tangent]. Hulls have vertices in the axes of the mesh, and faces as lists of vertices.
"""

import json

import mujoco
import numpy as np

from record import HERE, VERSION

POSES = 120
FAR = 5
PAIRS = [
    ("plane", "sphere"),
    ("plane", "capsule"),
    ("plane", "ellipsoid"),
    ("plane", "cylinder"),
    ("plane", "box"),
    ("plane", "mesh"),
    ("sphere", "sphere"),
    ("sphere", "capsule"),
    ("sphere", "cylinder"),
    ("sphere", "box"),
    ("capsule", "capsule"),
    ("capsule", "box"),
    ("box", "box"),
]
SIZES = {"plane": 0, "sphere": 1, "capsule": 2, "ellipsoid": 3, "cylinder": 2, "box": 3, "mesh": 0}
# Shapes that lie flat.
FLAT = {"plane", "capsule", "cylinder", "box", "mesh"}


def text(numbers):
    return " ".join(repr(float(x)) for x in numbers)


def rounded(x, digits=4):
    return [round(float(v), digits) for v in x]


def product(*quaternions):
    out = np.array([1.0, 0, 0, 0])
    for q in quaternions:
        mujoco.mju_mulQuat(out, out.copy(), np.array(q, dtype=float))
    return out / np.linalg.norm(out)


def quarter_turn(rng):
    q = np.zeros(4)
    q[rng.permutation(4)[:2]] = 1, rng.choice([-1, 0, 1])
    return q


def tilt(rng):
    return [1, *(rng.choice([1e-1, 1e-2, 1e-3, 1e-5]) * rng.normal(size=3))]


def quaternions(rng, kinds):
    """Of both shapes: any, or what a person would place: flat on the ground, stacked, side by side."""
    one, two = (product(rng.normal(size=4)) for _ in kinds)
    if set(kinds) <= FLAT and rng.random() < 0.5:
        two = product(one, tilt(rng), [1, 0, 0, rng.choice([0, rng.uniform(-1, 1)])], quarter_turn(rng))
    return rounded(one, 7), rounded(two, 7)


def meshes(rng):
    """Two clouds of points on ellipsoids, one with few points and one with many, and a brick with chamfers."""
    out = []
    for count in (8, 60):
        p = rng.normal(size=(count, 3))
        out.append(rounded((p / np.linalg.norm(p, axis=1)[:, None] * (0.15, 0.1, 0.2)).ravel()))
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    brick = np.concatenate([corners * s for s in ((0.2, 0.12, 0.07), (0.17, 0.15, 0.07), (0.17, 0.12, 0.1))])
    return out + [rounded(brick.ravel())]


def load(kinds, margin, placements, mesh):
    (one, two), (a, b) = kinds, placements

    def geom(kind, size, pose=""):
        shape = 'mesh="m"' if kind == "mesh" else f'size="{text(size or [1, 1, 1])}"'
        return f'<geom type="{kind}" {shape} margin="{margin / 2!r}" {pose}/>'

    def pose(p):
        return f'pos="{text(p[1])}" quat="{text(p[2])}"'

    def body(kind, p):
        return f"<body {pose(p)}><freejoint/>{geom(kind, p[0])}</body>"

    first = geom(one, a[0], pose(a)) if one == "plane" else body(one, a)
    asset = f'<asset><mesh name="m" vertex="{text(mesh)}"/></asset>' if mesh else ""
    xml = f'<mujoco><compiler boundmass="1"/>{asset}<worldbody>{first}{body(two, b)}</worldbody></mujoco>'
    return mujoco.MjModel.from_xml_string(xml)


def collide(kinds, margin, placements, mesh=None):
    """The contacts, and the placement of the second shape in the axes of its geom."""
    m = load(kinds, margin, placements, mesh)
    d = mujoco.MjData(m)
    mujoco.mj_forward(m, d)
    contacts = [[float(c.dist), *map(float, c.pos), *map(float, c.frame[:6])] for c in d.contact]
    second = placements[1]
    if mesh:
        q = np.zeros(4)
        mujoco.mju_mat2Quat(q, d.geom_xmat[1])
        second = ([], [float(x) for x in d.geom_xpos[1]], [float(x) for x in q])
    return contacts, second, m


def draw(kinds, rng):
    sizes = [rounded(rng.uniform(0.05, 0.3, SIZES[k]), 2) for k in kinds]
    quats = quaternions(rng, kinds)
    places = rng.normal(size=(2, 3)) * rng.choice([0, 1])
    offset = rng.normal(size=3)
    places[1] = places[0] + offset * rng.uniform(0, 1.1) / np.linalg.norm(offset)
    return [(sizes[k], rounded(places[k]), quats[k]) for k in (0, 1)]


def record(kinds, rng, clouds):
    margin, poses = 0.04, []
    quota = {"apart": POSES // 3, "shallow": POSES // 3, "deep": POSES // 3, "far": FAR}
    while any(quota.values()):
        placements = draw(kinds, rng)
        which = int(rng.integers(len(clouds))) if "mesh" in kinds else None
        cloud = None if which is None else clouds[which]
        contacts, second, _ = collide(kinds, margin, placements, cloud)
        depth = min((c[0] for c in contacts), default=None)
        kind = "far" if depth is None else "apart" if depth > 0 else "shallow" if depth > -0.03 else "deep"
        if quota[kind]:
            quota[kind] -= 1
            entry = {"first": placements[0], "second": second, "contacts": contacts}
            poses.append(entry if which is None else entry | {"hull": which})
    return {"pair": kinds, "margin": margin, "poses": poses}


def main():
    assert mujoco.__version__ == VERSION
    clouds = meshes(np.random.default_rng(7))
    pairs = [record(kinds, np.random.default_rng(k), clouds) for k, kinds in enumerate(PAIRS)]
    hulls = []
    for cloud in clouds:
        m = collide(("plane", "mesh"), 0, [([], [0, 0, 0], [1, 0, 0, 0]), ([], [0, 0, 1], [1, 0, 0, 0])], cloud)[2]
        faces = [m.mesh_polyvert[a : a + n].tolist() for a, n in zip(m.mesh_polyvertadr, m.mesh_polyvertnum)]
        hulls.append({"vertices": [float(x) for x in m.mesh_vert.ravel()], "faces": faces})
    content = {"mujoco": VERSION, "hulls": hulls, "pairs": pairs}
    (HERE / "collision.json").write_text(json.dumps(content, separators=(",", ":"), allow_nan=False) + "\n")


if __name__ == "__main__":
    main()

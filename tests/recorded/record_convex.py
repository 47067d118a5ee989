"""Records where MuJoCo finds that two general convex shapes touch.

    python tests/recorded/record_convex.py

Needs mujoco==4.0.0 and numpy. Writes convex.json beside this script: for every pair of shapes that has no closed formula
a list of placements in general position, some apart within the margin, some shallow, some deep, with one contact each,
as precise as MuJoCo gets. The form is that of collision.json; both shapes may be hulls.
"""

import json

import mujoco
import numpy as np

from record import HERE, VERSION
from record_collision import SIZES, meshes, product, rounded, text

POSES = 48
KINDS = ["sphere", "capsule", "ellipsoid", "cylinder", "box", "mesh"]
CLOSED = [("sphere", k) for k in ("sphere", "capsule", "cylinder", "box")]
CLOSED += [("capsule", "capsule"), ("capsule", "box"), ("box", "box")]
PAIRS = [(a, b) for i, a in enumerate(KINDS) for b in KINDS[i:] if (a, b) not in CLOSED]
OPTION = '<option ccd_tolerance="1e-13" ccd_iterations="1000"><flag multiccd="disable"/></option>'


def load(kinds, margin, placements, clouds):
    def body(k):
        size, place, quat = placements[k]
        shape = f'mesh="m{k}"' if kinds[k] == "mesh" else f'size="{text(size)}"'
        pose = f'pos="{text(place)}" quat="{text(quat)}"'
        return f'<body {pose}><freejoint/><geom type="{kinds[k]}" {shape} margin="{margin / 2!r}"/></body>'

    assets = "".join(f'<mesh name="m{k}" vertex="{text(c)}"/>' for k, c in enumerate(clouds) if c is not None)
    bodies = body(0) + body(1)
    return mujoco.MjModel.from_xml_string(
        f'<mujoco><compiler boundmass="1"/>{OPTION}<asset>{assets}</asset><worldbody>{bodies}</worldbody></mujoco>'
    )


def collide(kinds, margin, placements, clouds):
    """The contacts, and the placements of the geoms."""
    m = load(kinds, margin, placements, clouds)
    d = mujoco.MjData(m)
    mujoco.mj_forward(m, d)
    contacts = [[float(c.dist), *map(float, c.pos), *map(float, c.frame[:6])] for c in d.contact]
    placed = []
    for k in range(2):
        q = np.zeros(4)
        mujoco.mju_mat2Quat(q, d.geom_xmat[k])
        size = [] if kinds[k] == "mesh" else placements[k][0]
        placed.append((size, [float(x) for x in d.geom_xpos[k]], [float(x) for x in q]))
    return contacts, placed, m


def record(kinds, rng, clouds):
    margin, poses = 0.04, []
    quota = {"apart": POSES // 3, "shallow": POSES // 3, "deep": POSES // 3}
    while any(quota.values()):
        places = np.zeros((2, 3))
        offset = rng.normal(size=3)
        places[1] = offset * rng.uniform(0.05, 1.1) / np.linalg.norm(offset)
        sizes = [rounded(rng.uniform(0.05, 0.3, SIZES[k]), 2) for k in kinds]
        quats = [rounded(product(rng.normal(size=4)), 7) for _ in kinds]
        which = [int(rng.integers(2)) if k == "mesh" else None for k in kinds]
        placements = [(sizes[k], rounded(places[k]), quats[k]) for k in (0, 1)]
        contacts, placed, _ = collide(kinds, margin, placements, [None if w is None else clouds[w] for w in which])
        if len(contacts) != 1:
            continue
        depth = contacts[0][0]
        kind = "apart" if depth > 0 else "shallow" if depth > -0.03 else "deep"
        if quota[kind]:
            quota[kind] -= 1
            poses.append({"first": placed[0], "second": placed[1], "contacts": contacts, "hulls": which})
    return {"pair": kinds, "margin": margin, "poses": poses}


def main():
    assert mujoco.__version__ == VERSION
    clouds = meshes(np.random.default_rng(7))[:2]
    pairs = [record(kinds, np.random.default_rng(k), clouds) for k, kinds in enumerate(PAIRS)]
    hulls = []
    for cloud in clouds:
        rest = ([0.1], [0, 0, 0], [1, 0, 0, 0])
        m = collide(("sphere", "mesh"), 0, [rest, rest], [None, cloud])[2]
        faces = [m.mesh_polyvert[a : a + n].tolist() for a, n in zip(m.mesh_polyvertadr, m.mesh_polyvertnum)]
        hulls.append({"vertices": [float(x) for x in m.mesh_vert.ravel()], "faces": faces})
    content = {"mujoco": VERSION, "hulls": hulls, "pairs": pairs}
    (HERE / "convex.json").write_text(json.dumps(content, separators=(",", ":"), allow_nan=False) + "\n")


if __name__ == "__main__":
    main()

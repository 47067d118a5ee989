"""Records what MuJoCo compiles constraints and contacts into.

    python tests/recorded/record_constraints_model.py

Needs mujoco==4.0.0 and numpy. Writes constraints_model.json beside this script. Its equality cases carry eq_data and the
inverse weights. In its contact cases all geoms overlap, so that every pair that may touch does: they carry one contact of
each pair, in order.
"""

import mujoco
import numpy as np

from record import HERE, VERSION, flat, fnv1a, save

CONSTANTS = "body_invweight0 dof_invweight0 tendon_invweight0 tendon_length0".split()
CONTACT = "friction solref solreffriction solimp".split()
SIZES = {
    "plane": "1 1 1",
    "sphere": ".5",
    "capsule": ".3 .3",
    "ellipsoid": ".4 .5 .3",
    "cylinder": ".4 .3",
    "box": ".4 .4 .4",
}
MESH = '<asset><mesh name="m" vertex="-.4 -.4 -.4 .4 -.3 -.4 0 .5 -.3 0 0 .5 .3 .3 .3"/></asset>'

TIED = """
<worldbody><site name="w" pos=".5 .1 .2" euler="10 20 30"/>
<body name="a" pos=".1 .2 .3" euler="10 20 30"><freejoint/><geom type="box" size=".1 .2 .3" pos=".05 .02 0"/>
<site name="sa" pos=".1 0 .05" euler="5 6 7"/></body>
<body name="b" pos="1 0 0" euler="-10 50 20"><joint name="jb" axis="1 2 3" pos=".1 0 0" ref="20" armature=".1"/>
<geom size=".1" pos=".1 0 .2"/><site name="sb" pos="-.1 0 .05" euler="55 6 7"/>
<body name="c" pos=".3 .1 0" euler="0 30 0"><joint name="jc" type="slide" ref=".2" axis="1 1 0"/><geom size=".1"/>
<body name="e" pos="0 0 .3"><joint type="ball"/><geom type="capsule" size=".05 .1" pos=".1 0 .1"/></body></body></body>
<body name="m" mocap="true" pos="0 1 1" euler="20 0 10"/></worldbody>
<tendon><fixed name="t1"><joint joint="jb" coef="1"/><joint joint="jc" coef="-.3"/></fixed>
<spatial name="t2" armature=".2"><site site="sa"/><site site="sb"/><pulley divisor="2"/><site site="sb"/><site site="w"/></spatial>
</tendon><equality>{}</equality>"""

TIES = {
    "connect_of_two_bodies": '<connect body1="a" body2="b" anchor=".1 .2 .3" solref=".1" solimp=".8 .9"/>',
    "connect_to_the_world": '<connect body1="c" anchor=".1 .2 .3"/><connect body1="world" body2="c" anchor=".1 .2 .3"/>',
    "connect_of_parent_and_child": '<connect body1="c" body2="b" anchor=".1 .2 .3"/>',
    "connect_to_a_mocap_body": '<connect body1="m" body2="e" anchor=".1 .2 .3"/>',
    "connect_of_sites": '<connect site1="sa" site2="sb"/><connect site1="w" site2="sb"/>',
    "weld_as_placed": '<weld body1="a" body2="c"/><weld body1="c" body2="a" anchor=".1 .2 .3" torquescale="2"/>',
    "weld_to_the_world": '<weld body1="b"/><weld body1="e" anchor="1 2 3"/><weld body1="world" body2="e" anchor="1 2 3"/>',
    "weld_in_a_stated_pose": '<weld body1="b" body2="e" relpose=".1 .2 .3 1 2 3 4" anchor=".3 .2 .1" torquescale=".5"/>',
    "weld_in_a_stated_place_without_rotation": '<weld body1="b" body2="a" relpose=".1 .2 .3 0 0 0 0"/>',
    "weld_to_a_mocap_body": '<weld body1="m" body2="a"/><weld body1="a" body2="m" active="false"/>',
    "weld_of_sites": '<weld site1="sa" site2="w" torquescale="3"/><weld site1="w" site2="sb"/>',
    "joint_to_a_constant": '<joint joint1="jb" polycoef=".1 .2 .3 .4 .5"/>',
    "joint_to_joint": '<joint joint1="jb" joint2="jc"/><joint joint1="jc" joint2="jb" polycoef=".1 .2"/>',
    "tendon_to_tendon": '<tendon tendon1="t1" tendon2="t2" polycoef="0 .5"/><tendon tendon1="t2"/>',
    "classes": '<connect body1="a" body2="b" anchor="0 0 0"/><weld class="soft" body1="a" body2="b"/>',
}
SOFT = '<default><equality solref=".05"/><default class="soft"><equality solref="-100 -5" solimp=".7"/></default></default>'


def random_world(rng, override, duplicates):
    """A tree of bodies at nearly the same place, with random shapes, bits, numbers, pairs and exclusions."""
    names = []

    def numbers(low, high, n):
        return " ".join(f"{x:.4g}" for x in rng.uniform(low, high, n))

    def solref():
        return rng.choice([numbers(0.01, 0.2, 2), "-100 -3", ".02 1", "-50 -9"])

    def solimp():
        return " ".join([numbers(0.1, 0.9, 2), numbers(0.001, 0.01, 1), numbers(0.2, 0.8, 1), numbers(1, 4, 1)])

    def geom(static):
        shape = rng.choice([*(list(SIZES) if static else list(SIZES)[1:]), "mesh"])
        name = f"g{len(names)}"
        names.append(name)
        tilt = "0 0 0" if shape == "plane" else numbers(-90, 90, 3)
        place = f"0 0 {rng.uniform(0.1, 0.2):.4g}" if shape == "plane" else numbers(-0.02, 0.02, 3)
        size = 'mesh="m"' if shape == "mesh" else f'size="{SIZES[shape]}"'
        friction = rng.choice([numbers(0, 2, 3), "1 .005 .0001", "0 0 0"])
        solmix = rng.choice(["1", "0", numbers(0.1, 3, 1)])
        return (
            f'<geom name="{name}" type="{shape}" {size} pos="{place}" euler="{tilt}" friction="{friction}" '
            f'contype="{rng.choice([1, 1, 1, 2, 3, 0])}" conaffinity="{rng.choice([1, 1, 1, 2, 3, 0])}" '
            f'condim="{rng.choice([1, 3, 4, 6])}" priority="{rng.choice([0, 0, 0, 1, -2])}" solmix="{solmix}" '
            f'solref="{solref()}" solimp="{solimp()}" margin="{numbers(0, 0.1, 1)}" gap="{numbers(0, 0.1, 1)}"/>'
        )

    bodies = rng.integers(3, 7)
    parent = [-1] + [int(rng.integers(0, b)) for b in range(1, bodies)]

    def body(b):
        geoms = "".join(geom(b == 0) for _ in range(rng.integers(int(b > 0), 4)))
        inside = geoms + "".join(body(c) for c in range(bodies) if parent[c] == b)
        if b == 0:
            return inside
        joint = rng.choice(["", "", '<joint type="ball"/>', '<joint type="ball"/>', '<joint type="slide"/>'])
        mocap = ' mocap="true"' if not joint and parent[b] == 0 and rng.random() < 0.4 else ""
        return f'<body name="b{b}"{mocap}>{joint}{inside}</body>'

    world = body(0)
    contact, seen = "", set()
    for _ in range(rng.integers(0, 5)):
        a, b = rng.choice(len(names), 2, replace=False)
        if not duplicates and frozenset((a, b)) in seen:
            continue
        seen.add(frozenset((a, b)))
        stated = {
            "condim": rng.choice([1, 3, 4, 6]),
            "friction": rng.choice([numbers(0, 2, 5), numbers(0, 2, 1), numbers(0, 2, 3)]),
            "solref": solref(),
            "solreffriction": solref(),
            "solimp": rng.choice([solimp(), ".5"]),
            "margin": numbers(0, 0.1, 1),
            "gap": numbers(0, 0.1, 1),
        }
        kept = " ".join(f'{k}="{v}"' for k, v in stated.items() if k == "friction" or rng.random() < 0.6)
        contact += f'<pair geom1="{names[a]}" geom2="{names[b]}" {kept}/>'
    for _ in range(rng.integers(0, 3)):
        a, b = rng.choice(bodies, 2, replace=False)
        name = ["world", *(f"b{k}" for k in range(1, bodies))]
        contact += f'<exclude body1="{name[a]}" body2="{name[b]}"/>'
    parents = "enable" if rng.random() < 0.8 else "disable"
    numbers_of_all = f'o_margin=".05" o_solref="{solref()}" o_solimp="{solimp()}" o_friction="{numbers(0, 1, 4)} 0"'
    return (
        f'<mujoco><option {numbers_of_all if override else ""}><flag filterparent="{parents}" '
        f'override="{"enable" if override else "disable"}"/></option>{MESH}<worldbody>{world}</worldbody>'
        f"<contact>{contact}</contact></mujoco>"
    )


def record_contacts(m, case):
    d = mujoco.MjData(m)
    mujoco.mj_forward(m, d)
    rows = []
    for c in d.contact:
        row = (flat(c.geom), int(c.dim), float(c.includemargin), *(flat(getattr(c, k)) for k in CONTACT))
        if not rows or rows[-1] != row:
            rows.append(row)
    for k, field in enumerate(("geoms", "dim", "includemargin", *CONTACT)):
        case[field] = flat([row[k] for row in rows])


def main():
    assert mujoco.__version__ == VERSION
    cases = []
    for name, ties in TIES.items():
        xml = "<mujoco>" + (SOFT if name == "classes" else "") + TIED.format(ties) + "</mujoco>"
        m = mujoco.MjModel.from_xml_string(xml)
        case = {"name": name, "xml": xml}
        for k in ("eq_type", "eq_data", "eq_solref", "eq_solimp", "eq_active0", *CONSTANTS):
            case[k] = flat(getattr(m, k))
        cases.append(case)
    for k in range(24):
        name = f"touching_{k}"
        rng = np.random.default_rng(fnv1a(name.encode()))
        xml = random_world(rng, override=k % 6 == 5, duplicates=k % 6 == 4)
        m = mujoco.MjModel.from_xml_string(xml)
        case = {"name": name, "xml": xml}
        record_contacts(m, case)
        cases.append(case)
    save(HERE / "constraints_model.json", {"mujoco": VERSION, "cases": cases})


if __name__ == "__main__":
    main()

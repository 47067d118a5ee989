"""Draws random small worlds in which things touch, for `worlds.py`.

A world is an MJCF text and a state that follow from a seed, a number and an attempt alone. Masses go from 1e-6 to
1e6 kg, sizes from 1e-3 to 1e2 m, and everything that decides how hard the search for the constraint forces is goes over
its whole range: friction, ratio of impedances, `solref`, `solimp`, margins, stiffness against inertia.
"""

import math

import mujoco
import numpy as np

KINDS = "flat heap pad chain ties limits dry mixed".split()
SHARES = np.array([0.05, 0.08, 0.57, 0.14, 0.06, 0.03, 0.03, 0.04])


class Draft:
    """What a world is drawn into."""

    def __init__(self, rng):
        self.rng = rng
        self.size = self.log(3e-3, 3e1)
        self.slippery = self.chance(0.45)
        self.condim = rng.choice([3, 3, 3, 3, 1, 4, 6])
        self.bodies, self.names, self.joints = [], [], []
        self.equalities, self.tendons, self.pairs = [], [], []
        # The softest contacts and the hardest ones are rare if each geom draws its own.
        self.contact = self.yields("solref", "solimp") if self.chance(0.7) else ""

    def log(self, low, high):
        return float(10 ** self.rng.uniform(math.log10(low), math.log10(high)))

    def chance(self, p):
        return self.rng.random() < p

    def uniform(self, low, high):
        return float(self.rng.uniform(low, high))

    def mass(self):
        return self.log(1e-6, 1e6)

    def sliding(self):
        """A coefficient of sliding friction."""
        if not self.slippery:
            return self.log(0.02, 10)
        return [0.0, 0.0, 0.001, self.log(1e-5, 0.02)][self.rng.integers(4)]

    def yields(self, solref, solimp):
        """How softly a constraint gives way, as attributes of these names."""
        out = ""
        form = self.rng.random()
        if form < 0.4:
            out += attribute(solref, self.log(1e-3, 1), self.log(0.05, 5))
        elif form < 0.7:
            out += attribute(solref, -self.log(1, 1e6), 0 if self.chance(0.1) else -self.log(0.1, 1e3))
        if self.chance(0.7):
            near = [self.uniform(0.01, 0.99), self.log(1e-4, 1e-2), 1 - self.log(1e-4, 1e-1), 0.9999]
            start, end = self.rng.choice(near, 2)
            width = 0 if self.chance(0.1) else self.size * self.log(1e-4, 1)
            power = 1 if self.chance(0.3) else self.uniform(1, 6)
            out += attribute(solimp, start, end, width, self.uniform(0.01, 0.99), power)
        return out

    def touch(self):
        """Attributes of a geom that touches."""
        turning = [self.size * self.log(1e-5, 1), self.size * self.log(1e-5, 1)]
        friction = [self.sliding(), *turning] if self.chance(0.5) else [self.sliding()]
        margin = attribute("margin", self.size * self.log(1e-3, 0.1)) if self.chance(0.2) else ""
        gap = attribute("gap", self.size * self.log(1e-3, 0.1)) if self.chance(0.05) else ""
        own = self.contact or self.yields("solref", "solimp")
        return attribute("friction", *friction) + f' condim="{self.condim}"' + margin + gap + own

    def depth(self):
        return self.size * self.log(1e-4, 1e-2)


def attribute(name, *values):
    return f' {name}="{" ".join(f"{x:.6g}" for x in values)}"'


class Shape:
    """A shape, half as high as `half`; unless it is tumbled something can stand on its top within `reach`."""

    def __init__(self, d, kinds, tumbled=0.0):
        self.kind = d.rng.choice(kinds)
        a, b, c = (d.size * d.log(0.3, 3) for _ in range(3))
        turn = d.uniform(-180, 180)
        self.pose = attribute("euler", 0, 0, turn)
        lies = attribute("zaxis", math.cos(turn), math.sin(turn), 0)
        stands = d.chance(0.5)
        sizes, self.half, self.reach = {
            "sphere": ([a], a, 0.03 * a),
            "capsule": ([a, b], a + b if stands else a, 0.03 * a),
            "ellipsoid": ([a, b, c], c, 0.03 * min(a, b)),
            "cylinder": ([a, b], b if stands else a, 0.7 * a if stands else 0.03 * a),
            "box": ([a, b, c], c, 0.7 * min(a, b)),
        }[self.kind]
        if self.kind in ("capsule", "cylinder") and not stands:
            self.pose = lies
        self.size = attribute("size", *sizes)
        self.tumbled = d.chance(tumbled)
        if self.tumbled:
            q = d.rng.normal(size=4)
            q /= np.linalg.norm(q)
            self.pose, self.half = attribute("quat", *q), self.support(q, sizes)

    def support(self, q, sizes):
        """How far the shape reaches up and down in this orientation."""
        R = np.zeros(9)
        mujoco.mju_quat2Mat(R, q)
        x, y, z = abs(R[6:])
        a, b, c = (*sizes, 0, 0)[:3]
        return {
            "sphere": a,
            "capsule": a + b * z,
            "ellipsoid": math.hypot(x * a, y * b, z * c),
            "cylinder": b * z + a * math.hypot(x, y),
            "box": x * a + y * b + z * c,
        }[self.kind]

    def geom(self, d, mass, more=""):
        return f'<geom type="{self.kind}"{self.size}{attribute("mass", mass)}{d.touch()}{more}/>'


def floor(d, height=0.0):
    """A plane; sometimes it leans a little."""
    lean = attribute("zaxis", d.uniform(-0.002, 0.002), d.uniform(-0.002, 0.002), 1) if d.chance(0.15) else ""
    return f'<geom name="floor" type="plane" size="1 1 1"{attribute("pos", 0, 0, height)}{lean}{d.touch()}/>'


def add(d, place, shape, joints):
    """A body of one shape; joints are elements without a name."""
    name = f"b{len(d.names)}"
    text = f'<body name="{name}"{attribute("pos", *place)}{shape.pose}>'
    for joint in joints:
        text += named(d, joint)
    d.bodies.append(f'{text}{shape.geom(d, d.mass(), more=f""" name="g{len(d.names)}" """)}</body>')
    d.names.append(name)
    return name


def named(d, joint):
    """A joint with its name; hinges and slides can be limited by tendons and tied by equalities."""
    if "<freejoint" in joint:
        return joint
    d.joints.append(f"j{len(d.joints)}")
    return joint.replace("/>", f' name="{d.joints[-1]}"/>')


def stack(d, count, kinds, place=(0, 0, 0), tumbled=0.0):
    """Free bodies on top of each other."""
    x, y, z = place
    for _ in range(count):
        shape = Shape(d, kinds, tumbled)
        z += shape.half - d.depth()
        add(d, (x, y, z), shape, ["<freejoint/>"])
        z += shape.half
        x += shape.reach * d.uniform(-1, 1)
        y += shape.reach * d.uniform(-1, 1)
    return z


# What MuJoCo finds by an iteration to 1e-6 (cylinders and ellipsoids on anything but planes and spheres) costate finds
# exactly: there the two answer different questions, and only failures count. So such pairs are rare.
EXACT = "sphere capsule box".split()
ANY = EXACT + "cylinder ellipsoid".split()


def flat(d):
    """Boxes that lie on a floor on four corners, perhaps one on the other."""
    d.bodies.append(floor(d))
    stack(d, d.rng.integers(1, 4), ["box"])
    if d.chance(0.3):
        stack(d, 1, ["box"], (8 * d.size, 0, 0))


def heap(d):
    """Two or three bodies on top of each other."""
    d.bodies.append(floor(d))
    kinds = ANY if d.chance(0.3) else EXACT
    if kinds is EXACT and d.chance(0.4):
        z = stack(d, 1, ["cylinder"])
        stack(d, 1, ["sphere"], (0, 0, z))
    else:
        stack(d, d.rng.integers(2, 4), kinds, tumbled=0.6)


def along(d):
    """An axis of a joint."""
    axis = np.eye(3)[d.rng.integers(3)] if d.chance(0.7) else d.rng.normal(size=3)
    return attribute("axis", *axis)


def limits(d, kind):
    """A range that the reference violates, or almost: on one side, or on both by the margin."""
    if d.chance(0.5):
        return ""
    unit, turn = (d.size, 1) if kind == "slide" else (1.0, 180 / math.pi)
    low, width = -unit * d.log(1e-3, 0.3), unit * d.log(1e-3, 0.3)
    if d.chance(0.4):
        low *= -1
    both = unit * d.log(0.3, 10) if d.chance(0.5) else 0
    own = attribute("margin", both) + d.yields("solreflimit", "solimplimit")
    return attribute("range", low * turn, (low + width) * turn) + own


def resists(d, kind, p):
    """Armature, damping, stiffness and dry friction of a joint, on the scale of a mass of its own."""
    unit = d.mass() * (1 if kind == "slide" else d.size**2)
    out = attribute("armature", unit) if d.chance(p) else ""
    out += attribute("damping", unit * d.log(1e-3, 1e2)) if d.chance(p) else ""
    out += attribute("stiffness", unit * d.log(1e-3, 1e3)) if d.chance(p / 2) else ""
    if d.chance(p):
        per_length = 1 if kind == "slide" else d.size
        own = d.yields("solreffriction", "solimpfriction")
        out += attribute("frictionloss", d.mass() * per_length * d.log(1e-3, 1e2)) + own
    return out


def joint(d, kind=None, p=0.3, axis=None):
    kind = kind or d.rng.choice(["hinge", "hinge", "slide", "ball"])
    if kind == "ball":
        return f'<joint type="ball"{resists(d, kind, p)}/>'
    return f'<joint type="{kind}"{axis or along(d)}{limits(d, kind)}{resists(d, kind, p)}/>'


def pad(d):
    """Something that turns about its own centre of mass and touches the world, which does not move either: the
    approximate inertia of the contact is zero, and its stiffness 5e14 or more. Seesaw, wheel, turntable, pad."""
    d.condim = d.rng.choice([*[3] * 17, 1, 4, 6])
    d.bodies.append(floor(d))
    shape = Shape(d, [*["box", "cylinder", "capsule", "ellipsoid"] * 3, "sphere"], 0.9)
    add(d, (0, 0, shape.half - d.depth()), shape, turns(d))
    exact = EXACT if shape.kind in EXACT else ["sphere"]
    if shape.kind == "ellipsoid":
        return
    if d.chance(0.4):
        above = (d.uniform(-1, 1) * shape.reach, d.uniform(-1, 1) * shape.reach, 2 * shape.half)
        stack(d, d.rng.integers(1, 3), exact, (0, 0, 2 * shape.half) if shape.tumbled else above)
    elif d.chance(0.5):
        # A second one, pressed against the first.
        second = Shape(d, exact[-2:], 0.9)
        add(d, (0, 0, 2 * shape.half + second.half - 2 * d.depth()), second, turns(d))


def turns(d):
    """Joints at the centre of mass."""
    if d.chance(0.85):
        return ['<joint type="ball"/>']
    p = 0.3 if d.chance(0.4) else 0
    # Two hinges with one axis would have no inertia apart.
    axes = d.rng.permutation(np.eye(3) + 0.3 * d.rng.normal(size=(3, 3)) * d.chance(0.5))
    more = lambda: (limits(d, "hinge") if p else "") + resists(d, "hinge", p)
    return [f'<joint type="hinge"{attribute("axis", *axis)}{more()}/>' for axis in axes[: 1 if d.chance(0.1) else 2]]


def chain(d, place=(0, 0, 0), most=6):
    """Links in a row, lying on a floor or hanging free."""
    # Heavy on light: the inertia itself is ill conditioned.
    rises = d.chance(0.6)
    count = most if rises else d.rng.integers(2, most + 1)
    radius, length = d.size * d.log(0.1, 0.5), d.size * d.log(1, 3)
    if not d.bodies:
        d.bodies.append(floor(d, 0 if d.chance(0.75) else -1e3 * d.size))
    p = 0.5 if d.chance(0.5) else 0.1
    text, masses = "", [d.mass() for _ in range(count)]
    masses = sorted(masses) if rises else masses
    axis = attribute("axis", *np.eye(3)[d.rng.integers(3)]) if d.chance(0.8 if rises else 0.3) else None
    form = d.rng.choice(["hinge", "slide"]) if rises and d.chance(0.7) else None
    for k, mass in enumerate(masses):
        kind = d.rng.choice(["capsule", "capsule", "box", "sphere"])
        size = {"capsule": [radius, length / 2], "box": [radius, radius, length / 2], "sphere": [radius]}[kind]
        offset = (place[0], place[1], place[2] + radius - d.depth()) if k == 0 else (2.2 * length, 0, 0)
        own = "<freejoint/>" if k == 0 and d.chance(0.4) else named(d, joint(d, form, p, axis))
        name = f"b{len(d.names)}"
        d.names.append(name)
        text += (
            f'<body name="{name}"{attribute("pos", *offset)}>{own}'
            f'<geom name="g{name[1:]}" type="{kind}"{attribute("size", *size)} zaxis="1 0 0"'
            f'{attribute("pos", length, 0, 0)}{attribute("mass", mass)}{d.touch()}/>'
            f'<site name="s{name[1:]}"{attribute("pos", length, 0, radius)}/>'
        )
    d.bodies.append(text + "</body>" * count)
    bind(d, 0.4)


def bind(d, p):
    """Tendons and equalities of joints."""
    scalar = [name for name, text in scalar_joints(d)]
    for name in scalar:
        if d.chance(p / 2):
            other = d.rng.choice(scalar)
            partner = f' joint2="{other}"' if other != name else ""
            curve = [d.uniform(-0.1, 0.1) * d.size, d.uniform(-2, 2)] + [0, 0, 0]
            d.equalities.append(
                f'<joint joint1="{name}"{partner}{attribute("polycoef", *curve)}{d.yields("solref", "solimp")}/>'
            )
    if len(scalar) > 1 and d.chance(p):
        parts = "".join(f'<joint joint="{j}"{attribute("coef", d.uniform(-2, 2))}/>' for j in scalar[:3])
        d.tendons.append(f"<fixed{stretched(d, 0)}>{parts}</fixed>")
    sites = [name for name in d.names if any(f'<site name="s{name[1:]}"' in body for body in d.bodies)]
    if len(sites) > 1 and d.chance(p):
        ends = d.rng.choice(len(sites), 2, replace=False)
        parts = "".join(f'<site site="s{sites[k][1:]}"/>' for k in sorted(ends))
        d.tendons.append(f"<spatial{stretched(d, d.size)}>{parts}</spatial>")


def scalar_joints(d):
    """Name and element of every hinge and slide."""
    for name in d.joints:
        text = next(t for body in d.bodies for t in body.split("<") if f' name="{name}"/>' in t)
        if 'type="ball"' not in text:
            yield name, text


def stretched(d, rest):
    """A range of a tendon that is violated, or limits on both sides; and sometimes dry friction."""
    low, width = rest + d.size * d.uniform(-0.5, 1), d.size * d.log(1e-3, 1)
    margin = d.size * d.log(1, 10) if d.chance(0.5) else 0
    own = attribute("range", low, low + width) + attribute("margin", margin) + ' limited="true"'
    own += d.yields("solreflimit", "solimplimit")
    return own + (attribute("frictionloss", d.mass() * d.log(1e-3, 1e2)) if d.chance(0.3) else "")


def tie(d, first, second):
    """A weld or a connect that does not hold yet."""
    off = [d.size * d.uniform(-1, 1) * d.log(1e-4, 1) for _ in range(3)]
    ends = f'body1="{first}"' + (f' body2="{second}"' if second else "")
    own = d.yields("solref", "solimp")
    if d.chance(0.5):
        d.equalities.append(f'<connect {ends}{attribute("anchor", *off)}{own}/>')
        return
    turn = [1, *(d.uniform(-1, 1) * d.log(1e-4, 0.3) for _ in range(3))]
    pose = attribute("relpose", *off, *turn) if d.chance(0.5) else ""
    scale = attribute("torquescale", d.size * d.log(0.1, 10)) if d.chance(0.4) else ""
    d.equalities.append(f"<weld {ends}{pose}{scale}{own}/>")


def ties(d):
    """Welds and connects against contacts; now and then also of bodies that cannot move."""
    if d.chance(0.7):
        heap(d) if d.chance(0.5) else flat(d)
    else:
        chain(d, most=4)
    for _ in range(d.rng.integers(1, 4)):
        first, second = d.rng.choice([*d.names, None], 2, replace=False)
        tie(d, *((first, second) if first else (second, first)))
    if d.chance(0.25):
        for name in ("static0", "static1"):
            far = [d.size * d.uniform(20, 40) for _ in range(3)]
            d.bodies.append(f'<body name="{name}"{attribute("pos", *far)}><geom size="{d.size:.6g}"/></body>')
        tie(d, "static0", "static1" if d.chance(0.7) else None)


def narrow(d):
    """Joints between two limits that both act, and what they carry against a floor."""
    d.bodies.append(floor(d))
    shape = Shape(d, EXACT)
    joints = [f'<joint type="slide"{attribute("axis", *np.eye(3)[k])}{limits(d, "slide")}{resists(d, "slide", 0.3)}/>'
              for k in d.rng.permutation(3)[: d.rng.integers(1, 4)]]
    joints += [joint(d, "hinge")] if d.chance(0.5) else []
    add(d, (0, 0, shape.half - d.depth()), shape, joints)
    if d.chance(0.5):
        stack(d, 1, EXACT, (0, 0, 2 * shape.half))
    bind(d, 0.5)


def dry(d):
    """Sliders with dry friction, and what lies on them."""
    d.bodies.append(floor(d))
    shape = Shape(d, ["box"])
    joints = [f'<joint type="slide"{attribute("axis", *np.eye(3)[k])}{resists(d, "slide", 0.8)}/>'
              for k in range(d.rng.integers(1, 4))]
    add(d, (0, 0, shape.half - d.depth()), shape, joints)
    stack(d, d.rng.integers(1, 3), EXACT, (0, 0, 2 * shape.half))


def mixed(d):
    """Something on a floor beside a chain, tied or not."""
    (heap if d.chance(0.5) else pad)(d)
    before = len(d.names)
    chain(d, (0, 12 * d.size, 0), most=3)
    if d.chance(0.7):
        tie(d, d.rng.choice(d.names[:before]), d.rng.choice(d.names[before:]))


BUILDERS = dict(zip(KINDS, [flat, heap, pad, chain, ties, narrow, dry, mixed]))


def explicit(d):
    """A pair with numbers of its own: friction that differs between directions, and has its own reference."""
    friction = [d.sliding(), d.sliding(), *(d.size * d.log(1e-5, 1) for _ in range(3))]
    own = attribute("solreffriction", d.log(1e-3, 1), d.log(0.05, 5)) if d.chance(0.5) else ""
    name = d.rng.choice(d.names)
    d.pairs.append(
        f'<pair geom1="floor" geom2="g{name[1:]}"{attribute("friction", *friction)} condim="{d.condim}"'
        f'{own}{d.yields("solref", "solimp")}/>'
    )


def draw(seed, index, attempt):
    """(kind, xml, random numbers for the state) of a world."""
    rng = np.random.default_rng([seed, index, attempt])
    d = Draft(rng)
    kind = str(rng.choice(KINDS, p=SHARES / SHARES.sum()))
    BUILDERS[kind](d)
    if d.chance(0.1):
        explicit(d)
    cone = ["pyramidal", "elliptic"][rng.integers(2)]
    option = f'cone="{cone}"' + attribute("impratio", d.log(1e-2, 1e4)) + attribute("timestep", d.log(1e-4, 1e-2))
    sections = [("equality", d.equalities), ("tendon", d.tendons), ("contact", d.pairs)]
    more = "".join(f"<{tag}>{''.join(parts)}</{tag}>" for tag, parts in sections if parts)
    xml = f"<mujoco><option {option}/><worldbody>{''.join(d.bodies)}</worldbody>{more}</mujoco>"
    return kind, xml, d


def state(d, m):
    """Near the reference, and moving or at rest."""
    q, v = m.qpos0.copy(), np.zeros(m.nv)
    shift = d.size * d.log(1e-6, 1e-3) if d.chance(0.6) else 0
    turn = d.log(1e-6, 1e-3) if d.chance(0.6) else 0
    speed, spin = (d.size * d.log(1e-2, 1e1), d.log(1e-2, 1e1)) if d.chance(0.7) else (0, 0)
    step = np.zeros(m.nv)
    for i in range(m.nv):
        kind, part = m.jnt_type[m.dof_jntid[i]], i - m.jnt_dofadr[m.dof_jntid[i]]
        length = kind == mujoco.mjtJoint.mjJNT_SLIDE or kind == mujoco.mjtJoint.mjJNT_FREE and part < 3
        step[i] = d.rng.normal() * (shift if length else turn)
        v[i] = d.rng.normal() * (speed if length else spin)
    mujoco.mj_integratePos(m, q, step, 1.0)
    # Few digits, which both programs read as the same number.
    digits = lambda x: [float(f"{x:.9g}") for x in x]
    return digits(q), digits(v)

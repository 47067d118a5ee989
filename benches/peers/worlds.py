"""Prints in how many random worlds costate's search for the constraint forces ends at the optimum.

    cargo bench --bench worlds --no-run
    python benches/peers/worlds.py SEED COUNT --costate-worlds target/release/deps/worlds-... [--single] [--steps]
        [--record N FILE] [--only INDEX]

Needs mujoco==4.0.0 and numpy. `draw_worlds.py` draws the worlds. MuJoCo's reference acceleration is the mean of four
solves to the end of its precision: from nothing and from its own answer, with a dense and with a sparse Jacobian;
`spread` is their largest difference from it. `kappa` is the condition number of `H = M + J^T W J` at the optimum with a
unit diagonal, at most 1e16; `blur` is what rounding errors of the rows' residuals do to the acceleration.

Errors are relative to the largest acceleration and are judged by `1e-9 + 100 eps kappa + spread`, beyond a kappa of
1e12 by comparison with `twice`, the answer in twice the precision, where the program gives it; gradients are judged by
`1e-8 + 100 eps kappa`. Worlds in which MuJoCo lets other points touch are not compared. Without --costate-worlds only
the worlds themselves are described. --steps moves every hundredth world by a hundred steps, --single also asks for the
search in single precision, --record writes the worst worlds.
"""

import argparse
import collections
import json
import math
import multiprocessing
import pathlib
import subprocess
import sys
import tempfile
import time

import mujoco
import numpy as np

import draw_worlds

VERSION = "4.0.0"
EPSILON = np.finfo(float).eps
MOST_KAPPA = 1e16
SURE = 1e12  # Up to here MuJoCo's answer is the reference, beyond it that in twice the precision.
REST = 1e-6  # Accelerations below are those of rounding errors.
BEYOND = 1e10  # MuJoCo takes larger accelerations for a failure.
PATIENCE = 120  # Seconds for a chunk of worlds.
STEPS = 100
EVERY = 100  # Of how many worlds one moves.
CHUNK = 50


def prepare(xml):
    """The model, with a solver that goes to the end of its precision."""
    m = mujoco.MjModel.from_xml_string(xml)
    m.opt.tolerance, m.opt.iterations, m.opt.ls_iterations = 0, 200, 100
    m.opt.solver = mujoco.mjtSolver.mjSOL_NEWTON
    m.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_ISLAND
    return m


def put(m, d, world):
    mujoco.mj_resetData(m, d)
    d.qpos[:], d.qvel[:] = world["qpos"], world["qvel"]


def matrices(m, d):
    """M and J of a dense solve; rows that nothing can move were counted and left out."""
    M = np.zeros((m.nv, m.nv))
    mujoco.mj_fullM(m, d, M)
    return M, np.reshape(d.efc_J[: d.nefc * m.nv], (d.nefc, m.nv))


def gradient(m, d):
    """How far the forces are from balance, in parts of those that balance."""
    M, J = matrices(m, d)
    rest = M @ d.qacc - d.qfrc_smooth - J.T @ d.efc_force
    size = abs(M) @ abs(d.qacc) + abs(d.qfrc_smooth) + abs(J).T @ abs(d.efc_force)
    return float((abs(rest) / np.maximum(size, 1e-300)).max())


def bend(c, D, r):
    """The curvature of an elliptic contact in its middle zone."""
    friction = c.friction[: c.dim - 1]
    t = friction * r[1:]
    T = np.linalg.norm(t)
    g = np.concatenate([[1], -friction * t / T])
    N = np.zeros((c.dim, c.dim))
    N[1:, 1:] = -np.outer(friction, friction) * (np.eye(c.dim - 1) - np.outer(t, t) / T**2) / T
    return D / (1 + c.mu**2) * (np.outer(g, g) + (r[0] - T) * N)


def curvature(m, d, r, noise):
    """W, the curvature of the cost of all rows; a row acts also if only rounding errors keep it from acting."""
    states = mujoco.mjtConstraintState
    state = np.array(d.efc_state)
    edge = np.where(state == states.mjCNSTRSTATE_SATISFIED, r, abs(r) - d.efc_frictionloss * d.efc_R)
    near = (state != states.mjCNSTRSTATE_CONE) & (edge < noise)
    active = (state == states.mjCNSTRSTATE_QUADRATIC) | near
    for c in elliptic(d):
        rows = slice(c.efc_address, c.efc_address + c.dim)
        if state[c.efc_address] == states.mjCNSTRSTATE_SATISFIED:
            slip = np.linalg.norm(c.friction[: c.dim - 1] * r[rows][1:])
            active[rows] = r[rows][0] - slip < noise[rows].max()
    W = np.diag(np.where(active, d.efc_D, 0.0))
    for c in elliptic(d):
        rows = slice(c.efc_address, c.efc_address + c.dim)
        if state[c.efc_address] == states.mjCNSTRSTATE_CONE:
            W[rows, rows] = bend(c, d.efc_D[c.efc_address], r[rows])
    return W


def elliptic(d):
    """The contacts whose rows form a cone."""
    cone = np.array(d.efc_type) == mujoco.mjtConstraint.mjCNSTR_CONTACT_ELLIPTIC
    return [c for c in d.contact if c.efc_address >= 0 and cone[c.efc_address]]


def condition(m, d):
    """kappa of H with a unit diagonal, and how far rounding errors of `r = J a - a_ref` move the acceleration."""
    M, J = matrices(m, d)
    noise = EPSILON * (abs(J) @ abs(d.qacc) + abs(d.efc_aref))
    W = curvature(m, d, J @ d.qacc - d.efc_aref, 8 * noise)
    H = M + J.T @ W @ J
    scale = 1 / np.sqrt(np.diag(H))
    eigenvalues, vectors = np.linalg.eigh(H * np.outer(scale, scale))
    low, high = eigenvalues[0], eigenvalues[-1]
    inverse = vectors / np.maximum(eigenvalues, high / MOST_KAPPA) @ vectors.T * np.outer(scale, scale)
    blur = abs(inverse @ J.T @ W) @ noise
    return float(high / max(low, high / MOST_KAPPA)), float(blur.max() / max(abs(d.qacc).max(), REST))


def excess(world, a):
    """How much more than MuJoCo's acceleration another one costs, in parts of the cost."""
    m = prepare(world["xml"])
    m.opt.jacobian = mujoco.mjtJacobian.mjJAC_DENSE
    d = mujoco.MjData(m)
    put(m, d, world)
    mujoco.mj_forward(m, d)
    M, J = matrices(m, d)
    costs, part = [], np.zeros(1)
    for a in (np.array(world["acceleration"]), np.array(a)):
        mujoco.mj_constraintUpdate(m, d, J @ a - d.efc_aref, part, 0)
        costs.append(part[0] + 0.5 * (a - d.qacc_smooth) @ M @ (a - d.qacc_smooth))
    return float((costs[1] - costs[0]) / (abs(costs[0]) or 1.0))


def least_friction(m, d):
    """Of the contacts that act, or else of the geoms."""
    sliding = [c.friction[0] for c in d.contact if c.efc_address >= 0 and c.dim > 1]
    return float(min(sliding or m.geom_friction[:, 0]))


def solve(world, m):
    """Adds what MuJoCo makes of a world."""
    d = mujoco.MjData(m)
    answers = []
    for jacobian in (mujoco.mjtJacobian.mjJAC_SPARSE, mujoco.mjtJacobian.mjJAC_DENSE):
        m.opt.jacobian = jacobian
        for warm in (np.zeros(m.nv), None):
            put(m, d, world)
            d.qacc_warmstart[:] = answers[-1] if warm is None else warm
            mujoco.mj_forward(m, d)
            answers.append(d.qacc.copy())
    mean = np.mean(answers, axis=0)
    scale = max(abs(mean).max(), REST)
    spread = float(max(abs(a - mean).max() for a in answers) / scale)
    fine = bool(np.isfinite(answers).all() and scale < BEYOND)
    rest = gradient(m, d) if fine else math.inf
    kappa, blur = condition(m, d) if fine else (MOST_KAPPA, 1.0)
    world |= {
        "acceleration": mean.tolist(),
        "spread": spread,
        "answers": fine and (spread < 1e-6 or rest < 1e-12),
        "kappa": kappa,
        "blur": blur,
        "rows": int((np.array(d.efc_force) != 0).sum()),
        "friction": least_friction(m, d),
        "touching": [[c.dist, *map(float, c.pos)] for c in d.contact if c.efc_address >= 0],
        "singular": bool(d.warning[mujoco.mjtWarning.mjWARN_INERTIA].number),
        "sizes": max(1e-300, float(m.geom_rbound.max())),
    }


def move(world):
    """Whether MuJoCo warns while the world moves."""
    m = mujoco.MjModel.from_xml_string(world["xml"])
    d = mujoco.MjData(m)
    put(m, d, world)
    for _ in range(STEPS):
        mujoco.mj_step(m, d)
    return bool(any(w.number for w in d.warning) or not np.isfinite(d.qacc).all())


def drawn(seed, index):
    """World number `index`, with what MuJoCo makes of it."""
    for attempt in range(100):
        kind, xml, draft = draw_worlds.draw(seed, index, attempt)
        try:
            m = prepare(xml)
        except ValueError:
            continue  # MuJoCo refuses it.
        qpos, qvel = draw_worlds.state(draft, m)
        cone = "elliptic" if m.opt.cone else "pyramidal"
        world = {"index": index, "kind": kind, "cone": cone, "xml": xml, "qpos": qpos, "qvel": qvel}
        solve(world, m)
        # MuJoCo starts over where an acceleration is as large as this, and where bodies have no inertia apart: there it
        # has no answer, whatever the search.
        if max(map(abs, world["acceleration"])) < BEYOND and not world.pop("singular"):
            return world
    raise SystemExit(f"world {index} of seed {seed} cannot be drawn")


def ask(program, worlds, single, steps):
    """An answer for each world; one that ends or stalls the program gets its own, and the rest go on."""
    answers = []
    while len(answers) < len(worlds):
        with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+") as taken:
            for world in worlds[len(answers) :]:
                line = {k: world[k] for k in ("xml", "qpos", "qvel")} | {"single": single}
                line |= {"steps": STEPS} if steps and world["index"] % EVERY == 0 else {}
                given.write(json.dumps(line) + "\n")
            given.seek(0)
            try:
                done = subprocess.run([program], stdin=given, stdout=taken, timeout=PATIENCE)
                cause = f"ended the program ({done.returncode})"
            except subprocess.TimeoutExpired:
                cause = "took too long"
            taken.seek(0)
            answers += [json.loads(line) for line in taken if line.endswith("\n")]
        if len(answers) < len(worlds):
            answers.append({"found": False, "error": cause})
    return answers


def difference(a, b):
    """The largest difference relative to the largest entry of `b`; infinite where there is no number."""
    if a is None or len(a) != len(b) or any(x is None for x in a):
        return math.inf
    return max(abs(x - y) for x, y in zip(a, b)) / max(*map(abs, b), REST)


def judge(world, own):
    """Adds to a world how good costate's answer is."""
    world["found"], world["error"] = own.get("found", False), own.get("error", "")
    rounding = 100 * EPSILON * world["kappa"]
    a, reference, allowed = own.get("acceleration"), world["acceleration"], 1e-9 + rounding + world["spread"]
    if world["kappa"] > SURE:
        reference, allowed = own.get("twice"), 1e-9 + rounding
    if world["found"] and world["answers"] and reference is not None:
        world["ratio"] = difference(a, reference) / allowed
        if world["ratio"] > 1 and None not in a:
            world["excess"] = excess(world, a)
    if world["found"] and own.get("dual") is not None and own.get("dual_found"):
        error = own.get("adjoint")
        error = math.inf if error is None else error
        world["adjoint"] = error / (1e-8 + rounding)
        # Huge forces through an axle that nothing can turn cancel in the gradient, but for rounding.
        world["strained"] = error < 100 * (own.get("strain") or 0)
    # Where other points touch, the two programs answer different questions: MuJoCo iterates for cylinders and
    # ellipsoids, lists the one contact of capsules in a line twice, loses one of two of a large capsule and a box, and cuts faces
    # that lie flat on each other elsewhere.
    touching, theirs = own.get("touching", []), world.pop("touching")

    def same(x, y):
        return abs(x[0] - y[0]) <= 1e-11 * world["sizes"] and math.dist(x[1:], y[1:]) <= 1e-9 * world["sizes"]

    near = len(touching) == len(theirs) and all(any(same(x, y) for y in theirs) for x in touching)
    world["elsewhere"] = bool(a) and not near
    world["newton"] = own.get("steps", 0)
    world["single"] = own.get("single", {}).get("found")
    world["stopped"] = own.get("stopped")
    world["duals"] = own.get("dual_found")


def chunk(task):
    seed, indices, program, single, steps = task
    worlds = [drawn(seed, index) for index in indices]
    answers = ask(program, worlds, single, steps) if program else [{} for _ in worlds]
    for world, own in zip(worlds, answers):
        judge(world, own)
        if steps and world["index"] % EVERY == 0:
            world["warned"] = move(world)
        for key in ("xml", "qpos", "qvel", "acceleration"):
            del world[key]  # A hundred thousand worlds fit into memory without.
    return worlds


def histogram(title, values, edges, names=None):
    """How many values lie below each edge and not below the one before."""
    print(f"{title}:")
    counts, _ = np.histogram(values, [-math.inf, *edges, math.inf])
    names = names or [f"< {edge:g}" for edge in edges] + [f">= {edges[-1]:g}"]
    for name, count in zip(names, counts):
        share = count / max(1, len(values))
        print(f"  {name:>10} {count:7} {100 * share:5.1f} %  {'#' * round(50 * share)}")


def describe(worlds):
    """The worlds themselves."""
    n = len(worlds)
    histogram("rows with a force", [w["rows"] for w in worlds], [1, 5, 9, 17, 33])
    histogram("least friction", [w["friction"] for w in worlds], [1.01e-5, 1e-3, 0.02, 0.1, 1])
    histogram("kappa", [w["kappa"] for w in worlds], [1e2, 1e4, 1e6, 1e8, 1e10, 1e12, 1e14, 1e16])
    histogram("spread of MuJoCo's answers", [w["spread"] for w in worlds], [1e-14, 1e-12, 1e-10, 1e-8, 1e-6, 1e-3])
    acts = sum(w["rows"] > 0 for w in worlds) / n
    slips = sum(w["friction"] < 0.02 for w in worlds) / n
    stiff = sum(w["kappa"] > SURE for w in worlds) / n
    print(f"active rows in {100 * acts:.1f} % (asked 80), friction below 0.02 in {100 * slips:.1f} % (33), "
          f"kappa above 1e12 in {100 * stiff:.1f} % (33)")
    print(f"MuJoCo finds an answer in {sum(w['answers'] for w in worlds)} of {n}")


def failed(w):
    return w["answers"] and not w["found"] and "undetermined" not in w["error"]


def by_kind(worlds):
    tests = {
        "failed": failed,
        "stiff": lambda w: failed(w) and w["kappa"] > SURE,
        "slippery": lambda w: failed(w) and w["friction"] < 0.02,
        "elliptic": lambda w: failed(w) and w["cone"] == "elliptic",
        "wrong": wrong,
        "elsewhere": lambda w: w["elsewhere"],
    }
    print("of the failures: stiff (kappa above 1e12), slippery (below 0.02), elliptic; wrong: above what is allowed")
    print(f"{'kind':10}", *(f"{name:>9}" for name in ("worlds", *tests)))
    for kind in draw_worlds.KINDS:
        own = [w for w in worlds if w["kind"] == kind]
        print(f"{kind:10}", *(f"{n:9}" for n in (len(own), *(sum(map(test, own)) for test in tests.values()))))


def wrong(w):
    return not w["elsewhere"] and w.get("ratio", 0) > 1


def worst(worlds, key):
    """The ten worst by a key that some worlds have."""
    for w in sorted(worlds, key=lambda w: -w[key])[:10]:
        more = f"  excess cost {w['excess']:8.1e}" if key == "ratio" and "excess" in w else ""
        seen = "  ".join(f"{k} {w[k]:.1e}" for k in (key, "kappa", "spread", "blur", "friction"))
        print(f"  world {w['index']:7} {w['kind']:6} {w['cone']:9}  {seen}  rows {w['rows']:3}{more}")


def compare(worlds, seed):
    """What costate makes of them."""
    n = len(worlds)
    bad, unsure = [w for w in worlds if failed(w)], [w for w in worlds if "undetermined" in w["error"]]
    print(f"\nsearches that fail where MuJoCo finds an answer: {len(bad)} of {n} (asked: 0)")
    for text, count in collections.Counter(w["error"][:100] or "not found" for w in bad).most_common(8):
        print(f"  {count:7} {text}")
    alone = sum(w["found"] and not w["answers"] for w in worlds)
    print(f"found where MuJoCo finds none: {alone} of {sum(not w['answers'] for w in worlds)}")
    print(f"undetermined: {len(unsure)}, {100 * len(unsure) / n:.2f} % (asked: below 1)")
    by_kind(worlds)
    found = [w for w in worlds if w["found"]]
    if found:
        histogram("steps of a search", [w["newton"] for w in found], [1, 4, 8, 16, 32, 64])
    judged = [w for w in worlds if "ratio" in w and not w["elsewhere"]]
    missing = sum(w["found"] and w["kappa"] > SURE and "ratio" not in w for w in worlds)
    print(f"\nother points touch in {sum(w['elsewhere'] for w in worlds)} worlds, not compared; "
          f"without an answer in twice the precision {missing}, not compared")
    histogram("error of the acceleration / allowed", [w["ratio"] for w in judged], [1e-6, 1e-4, 1e-2, 0.1, 1, 10, 1e3])
    print(f"above 1: {sum(wrong(w) for w in judged)} of {len(judged)} (asked: 0); the worst of seed {seed}:")
    worst(judged, "ratio")
    over = [w for w in judged if wrong(w)]
    worse = sum(w.get("excess", math.inf) > 1e-15 for w in over)
    blurred = sum(w["ratio"] * (1e-9 + 100 * EPSILON * w["kappa"]) < 100 * w["blur"] for w in over)
    print(f"of these cost more than MuJoCo's answer: {worse}; within what rounding of J a - a_ref explains: {blurred}")
    dual = [w for w in worlds if "adjoint" in w]
    histogram("adjoint against duals / allowed", [w["adjoint"] for w in dual], [1e-6, 1e-4, 1e-2, 0.1, 1, 10, 1e3])
    print(f"above 1: {sum(w['adjoint'] > 1 for w in dual)} of {len(dual)} (asked: 0); the worst of seed {seed}:")
    worst(dual, "adjoint")
    strained = sum(w["adjoint"] > 1 and w["strained"] for w in dual)
    print(f"of these within what rounding errors of forces that cancel explain: {strained}")
    print(f"searches from the answer, on duals, that fail: {sum(w['duals'] is False for w in worlds)} of {len(found)}")
    single = [w for w in worlds if w["single"] is not None]
    if single:
        lost = sum(w["answers"] and not w["single"] for w in single)
        print(f"in single precision {lost} of {len(single)} searches fail where MuJoCo finds an answer")
    moved = [w for w in worlds if "warned" in w]
    if moved:
        ours = [w for w in moved if w["error"] or w["stopped"]]
        print(f"of {len(moved)} worlds that move by {STEPS} steps costate stops in {len(ours)}, "
              f"{sum(not w['warned'] for w in ours)} of them without a warning of MuJoCo, "
              f"which warns in {sum(w['warned'] for w in moved)}")


def record(worlds, seed, count, path):
    """Writes the worst worlds: failures first, then the largest errors, half of each kind and half of the stiffest."""
    kept = [w for w in worlds if w["answers"] and not w["elsewhere"]]
    kept.sort(key=lambda w: (not failed(w), -w.get("ratio", 0), -w["kappa"]))
    part = math.ceil(count / (2 * len(draw_worlds.KINDS)))
    chosen = [w for kind in draw_worlds.KINDS for w in [w for w in kept if w["kind"] == kind][:part]]
    known = {w["index"] for w in chosen}
    rest = sorted((w for w in kept if w["index"] not in known), key=lambda w: w["kappa"] <= SURE)
    chosen += rest[: max(0, count - len(chosen))]
    rows = []
    for judged in chosen[:count]:
        w = drawn(seed, judged["index"])
        # Beyond, rounding errors of the rows decide, and the two programs round differently.
        w["comparable"] = bool(w["kappa"] <= SURE and judged.get("ratio", math.inf) < 1)
        w["single"] = bool(judged["single"])
        row = {k: w[k] for k in ("index", "kind", "xml", "qpos", "qvel", "acceleration", "comparable", "single")}
        rows.append(row | {k: float(f"{w[k]:.3g}") for k in ("kappa", "spread", "blur")})
    head = json.dumps({"mujoco": mujoco.__version__, "seed": seed})[:-1]
    lines = ",\n".join(json.dumps(row, separators=(",", ":"), allow_nan=False) for row in rows)
    path.write_text(f'{head},"worlds":[\n{lines}\n]}}\n')
    print(f"{len(rows)} worlds in {path}, {path.stat().st_size} bytes")


def run(arguments):
    """All worlds, by two processes that each ask both programs."""
    indices = arguments.only or range(arguments.count)
    parts = [indices[k : k + CHUNK] for k in range(0, len(indices), CHUNK)]
    tasks = [(arguments.seed, part, arguments.costate_worlds, arguments.single, arguments.steps) for part in parts]
    worlds, began = [], time.perf_counter()
    with multiprocessing.Pool(2) as pool:
        for part in pool.imap(chunk, tasks):
            worlds += part
            rate = len(worlds) / (time.perf_counter() - began)
            left = (len(indices) - len(worlds)) / rate
            bad = sum(map(failed, worlds)) if arguments.costate_worlds else 0
            progress = f"\r{len(worlds)} worlds, {rate:.0f} per s, {left:.0f} s left, {bad} failures "
            print(progress, end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return worlds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seed", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--costate-worlds", metavar="PATH", help="the built program of benches/worlds.rs")
    parser.add_argument("--single", action="store_true", help="also search in single precision")
    parser.add_argument("--steps", action="store_true", help=f"move every {EVERY}th world by {STEPS} steps")
    parser.add_argument("--record", nargs=2, metavar=("N", "FILE"), help="write the N worst worlds")
    parser.add_argument("--only", type=int, nargs="+", metavar="INDEX", help="only these worlds")
    arguments = parser.parse_args()
    assert mujoco.__version__ == VERSION, f"needs mujoco {VERSION}"
    mujoco.set_mju_user_warning(lambda message: None)
    worlds = run(arguments)
    describe(worlds)
    if arguments.costate_worlds:
        compare(worlds, arguments.seed)
        if arguments.record:
            record(worlds, arguments.seed, int(arguments.record[0]), pathlib.Path(arguments.record[1]))


if __name__ == "__main__":
    main()

"""Prints how many published MJCF files costate loads and moves as MuJoCo does.

    pip install mujoco-mjx gymnasium dm-control --no-deps
    python benches/peers/coverage.py --costate target/release/costate

Every XML file in these installed packages whose root is `mujoco` is loaded by MuJoCo 4.0.0, in worker processes that may
crash. At a seeded random state, in contact where the model finds one, the accelerations of both programs are compared,
relative to the largest entry; MuJoCo's solver runs to the end of its precision. With --without-constraints limits,
contacts, dry friction and equalities are off in both. Only files that move (at least one degree of freedom) count. The
files stay where they are installed.
"""

import argparse
import collections
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = ("mujoco.mjx", "gymnasium", "dm_control")
TOLERANCE = 1e-9
SHAPES = "plane hfield sphere capsule ellipsoid cylinder box mesh sdf".split()


def model_files():
    """(package, path) of every MJCF file."""
    for package in PACKAGES:
        # Look the folder up without running the package: only its files are wanted.
        top, *rest = package.split(".")
        spec = importlib.util.find_spec(top)
        if spec is None:
            print(f"{package} is not installed", file=sys.stderr)
            continue
        folder = pathlib.Path(spec.origin).parent.joinpath(*rest)
        for path in sorted(folder.rglob("*.xml")):
            try:
                root = next(xml.etree.ElementTree.iterparse(path, events=("start",)))[1].tag
            except xml.etree.ElementTree.ParseError:
                continue
            if root == "mujoco":
                yield package, folder, path


def worker(without):
    """Reads paths, writes a line of JSON for each: what MuJoCo makes of it."""
    sys.path.insert(0, str(ROOT / "tests/recorded"))
    import mujoco
    import numpy as np
    import record_constraints
    from record import VERSION, fnv1a, inputs, put, random_state

    assert mujoco.__version__ == VERSION, f"needs mujoco {VERSION}"
    mujoco.set_mju_user_warning(lambda message: None)
    for line in sys.stdin:
        path = pathlib.Path(line.strip())
        try:
            m = record_constraints.load(path)
            if m.nv == 0:
                print(json.dumps({"nv": 0}), flush=True)
                continue
            d = mujoco.MjData(m)
            rng = np.random.default_rng(fnv1a(path.name.encode()))
            if without:
                m.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONSTRAINT
                state = random_state(m, rng, 1)
            else:
                state = record_constraints.random_state(m, d, rng, 5)
            put(m, d, state)
            mujoco.mj_forward(m, d)
            kinds = sorted({"-".join(SHAPES[m.geom_type[g]] for g in c.geom) for c in d.contact})
            result = {"nv": m.nv, "state": inputs(state), "qacc": [float(x) for x in d.qacc],
                      "rows": d.nefc, "contacts": d.ncon, "kinds": kinds}
        except Exception as error:
            result = {"unloadable": str(error).strip().splitlines()[0][:160] if str(error).strip() else repr(error)}
        print(json.dumps(result), flush=True)


def peer_answers(paths, without):
    """One answer per path; a file that kills or stalls its process gets its own answer and the rest go on."""
    answers = {}
    left = list(paths)
    while left:
        batch = left[:20]
        try:
            done = subprocess.run(
                [sys.executable, __file__, "--worker", *(["--without-constraints"] if without else [])],
                input="".join(f"{p}\n" for p in batch),
                capture_output=True,
                text=True,
                timeout=900,
            )
            output, cause = done.stdout, f"crashed MuJoCo ({done.returncode})"
        except subprocess.TimeoutExpired as expired:
            output, cause = (expired.stdout or b"").decode(), "MuJoCo took too long"
        lines = [line for line in output.splitlines() if line.startswith("{")]
        for path, line in zip(batch, lines):
            answers[path] = json.loads(line)
        if len(lines) < len(batch):
            answers[batch[len(lines)]] = {"unloadable": cause}
        left = [p for p in left if p not in answers]
    return answers


def reason(costate, path, answer):
    """What the file asks for and costate does not do, or else which shapes meet."""
    done = subprocess.run([costate, "inspect", str(path), "--json"], capture_output=True, text=True, timeout=120)
    try:
        remarks = json.loads(done.stdout)["remarks"]
    except (ValueError, KeyError):
        remarks = []
    asked = [f"{r['what']}: {r['why']}" for r in remarks if r["severity"] == "motion"]
    return "; ".join(asked[:2]) or "touching: " + (", ".join(answer["kinds"]) or "nothing")


def compared(costate, path, answer, folder, without):
    """(verdict, remark) of one file."""
    state = folder / "state.json"
    state.write_text(json.dumps(answer["state"]))
    command = [costate, "inspect", str(path), "--state", str(state), "--json"]
    command += ["--without-constraints"] if without else []
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        return "error", "took too long"
    message = (done.stderr.strip().splitlines() or [""])[-1]
    if done.returncode == 2:
        return "refused", message
    if done.returncode:
        return "error", f"exit code {done.returncode}: {message}"
    try:
        own = json.loads(done.stdout)["acceleration"]
    except (ValueError, KeyError) as error:
        return "error", f"unreadable answer: {error!r}"
    if len(own) != answer["nv"]:
        return "different", f"{len(own)} accelerations for {answer['nv']} degrees of freedom"
    scale = max(abs(x) for x in answer["qacc"]) or 1.0
    if any(x is None for x in own):
        return "different", "not finite"
    error = max(abs(x - y) for x, y in zip(own, answer["qacc"])) / scale
    seen = f"{error:.1e}, {answer['rows']} rows, {answer['contacts']} contacts"
    if error <= TOLERANCE:
        return "equal", seen
    return "different", f"{seen}; {reason(costate, path, answer)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--costate", help="path of the built binary; left out: only what MuJoCo loads is shown")
    parser.add_argument("--only", default="", help="only files whose path contains this")
    parser.add_argument("--without-constraints", action="store_true", help="switch constraints off in both programs")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        return worker(arguments.without_constraints)
    files = [entry for entry in model_files() if arguments.only in str(entry[2])]
    answers = peer_answers([path for _, _, path in files], arguments.without_constraints)
    tally = {package: collections.Counter() for package in PACKAGES}
    with tempfile.TemporaryDirectory() as temporary:
        for package, folder, path in files:
            answer = answers[path]
            if "unloadable" in answer:
                verdict, remark = "unloadable", answer["unloadable"]
            elif answer["nv"] == 0:
                verdict, remark = "static", "nothing moves"
            elif not arguments.costate:
                verdict, remark = "loadable", f"{answer['nv']} degrees of freedom"
            else:
                verdict, remark = compared(
                    arguments.costate, path, answer, pathlib.Path(temporary), arguments.without_constraints
                )
            tally[package][verdict] += 1
            print(f"{package + '/' + path.relative_to(folder).as_posix():90} {verdict:10} {remark}", flush=True)
    print()
    total = sum(tally.values(), collections.Counter())
    for name, counts in [*tally.items(), ("all", total)]:
        moving = sum(counts[v] for v in ("equal", "different", "refused", "error", "loadable"))
        share = f", {100 * counts['equal'] / moving:.1f} % of {moving} equal" if moving and arguments.costate else ""
        print(f"{name:12}", ", ".join(f"{n} {v}" for v, n in sorted(counts.items())) + share)


if __name__ == "__main__":
    main()

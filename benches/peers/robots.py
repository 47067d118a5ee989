"""Prints how many published URDF files costate loads and moves as MuJoCo does.

    pip install mujoco==4.0.0 numpy
    pip install example-robot-data --target DATA
    python benches/peers/robots.py --costate target/release/costate --data DATA

Every `.urdf` below the folder is read by both programs, and at a seeded random state the accelerations without
constraints are compared, relative to the largest entry. costate reads the file as it is; MuJoCo, which knows no packages,
reads a copy in which `package://` is replaced by the folder that holds the package.

If MuJoCo refuses the file, both read a changed copy: without collisions of Collada meshes or of meshes that are not there;
then also with inertias repaired, because no body can have what some files state; then also with bounds for moving links
that weigh nothing, and without fusing (MuJoCo 4.0.0 gives an empty link that is bounded and fused a wrong place); at last
without any mesh. The second column says which.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/recorded"))
TOLERANCE = 1e-9


def mesh_path(name, path):
    """Where a mesh is, found as costate finds it."""
    if name.startswith("package://"):
        for folder in path.parents:
            if (folder / name[10:].lstrip("/")).is_file():
                return folder / name[10:].lstrip("/")
    return path.parent / name


def copy(path, change, into):
    """A copy with full paths of meshes, and with as many of the changes as the number says."""
    tree = ElementTree.parse(path)
    for link in tree.iter("link"):
        for shape in list(link.findall("collision")) + list(link.findall("visual")):
            for mesh in shape.iter("mesh"):
                file = mesh_path(mesh.get("filename"), path)
                missing = file.suffix.lower() == ".dae" or not file.is_file()
                if shape.tag == "collision" and (change == 4 or change and missing):
                    link.remove(shape)
                mesh.set("filename", str(file))
    if change >= 2:
        for tensor in tree.iter("inertia"):
            I = {k: float(tensor.get(k)) for k in "ixx ixy ixz iyy iyz izz".split()}
            full = [[I["ixx"], I["ixy"], I["ixz"]], [I["ixy"], I["iyy"], I["iyz"]], [I["ixz"], I["iyz"], I["izz"]]]
            if any(I.values()) and np.linalg.eigvalsh(full).min() < 1e-10:
                for k in I:
                    tensor.set(k, "0" if k in ("ixy", "ixz", "iyz") else repr(max(I[k], 1e-6)))
        section = ElementTree.SubElement(tree.getroot(), "mujoco")
        bounds = {"boundmass": "1e-3", "boundinertia": "1e-5", "fusestatic": "false"} if change == 3 else {}
        ElementTree.SubElement(section, "compiler", balanceinertia="true", **bounds)
    tree.write(into)


def worker():
    """Reads paths, writes a line of JSON for each: what MuJoCo makes of it."""
    import mujoco
    from record import VERSION, fnv1a, inputs, put, random_state

    assert mujoco.__version__ == VERSION, f"needs mujoco {VERSION}"
    mujoco.set_mju_user_warning(lambda message: None)
    for line in sys.stdin:
        name, path = line.strip().split("\t")
        try:
            m = mujoco.MjModel.from_xml_path(path)
            m.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONSTRAINT
            d = mujoco.MjData(m)
            state = random_state(m, np.random.default_rng(fnv1a(name.encode())), 1)
            put(m, d, state)
            mujoco.mj_forward(m, d)
            result = {
                "nv": m.nv, "bodies": [m.body(b).name for b in range(m.nbody)], "mass": m.body_mass.tolist(),
                "state": inputs(state), "qacc": d.qacc.tolist(),
            }
        except Exception as error:
            result = {"refused": (str(error).strip().splitlines() or [repr(error)])[0].removeprefix("Error: ")}
        print("\n" + json.dumps(result), flush=True)


def theirs(name, path):
    done = subprocess.run([sys.executable, __file__, "--worker"], input=f"{name}\t{path}\n", capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return json.loads(lines[-1]) if lines else {"refused": f"crashed ({done.returncode})"}


def ours(costate, path, *more):
    """The JSON of `inspect`, or the sentence with which it refuses."""
    done = subprocess.run([costate, "inspect", str(path), "--json", *more], capture_output=True, text=True)
    return (json.loads(done.stdout), "") if done.returncode == 0 else (None, done.stderr.strip().splitlines()[-1])


def relative(a, b):
    return float(np.abs(np.subtract(a, b)).max(initial=0) / max(np.abs(b).max(initial=0), 1e-3))


def compared(costate, path, answer, folder):
    """(verdict, remark) of one file at the state of the answer."""
    summary, refusal = ours(costate, path)
    if summary is None:
        return "refused", refusal
    remarks = f", {len(summary['remarks'])} remarks" if summary["remarks"] else ""
    if (names := [b["name"] for b in summary["bodies"]]) != answer["bodies"]:
        return "different", f"bodies {sorted(set(names) ^ set(answer['bodies']))[:4] or 'in another order'}"
    # What MuJoCo writes into the world's mass is of no use.
    mass = relative([b["mass"] for b in summary["bodies"]][1:], answer["mass"][1:])
    (folder / "state.json").write_text(json.dumps(answer["state"]))
    numbers, refusal = ours(costate, path, "--state", str(folder / "state.json"), "--without-constraints")
    if numbers is None:
        return "refused", refusal
    error = relative(numbers["acceleration"], answer["qacc"])
    equal = max(error, mass) <= TOLERANCE
    return "equal" if equal else "different", f"acceleration {error:.1e}, mass {mass:.1e}, nv {answer['nv']}{remarks}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--costate", help="path of the built binary")
    parser.add_argument("--data", type=pathlib.Path, help="the folder to search")
    parser.add_argument("--only", default="", help="only files whose path contains this")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        return worker()
    tally = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for path in sorted(arguments.data.resolve().rglob("*.urdf")):
            if arguments.only not in str(path):
                continue
            refused = ""
            for change, label in enumerate(("as it is", "collisions", "inertias", "bounds", "meshes")):
                changed = folder / path.name
                copy(path, change, changed)
                answer = theirs(path.name, changed)
                if "refused" not in answer:
                    break
                refused = refused or f" (MuJoCo of the original: {answer['refused']})"
            if "refused" in answer:
                verdict, remark = "unloadable", answer["refused"]
            else:
                verdict, remark = compared(arguments.costate, changed if change else path, answer, folder)
                if change:
                    remark += f"; original: {ours(arguments.costate, path)[1] or 'loaded'}"
            tally[verdict] = tally.get(verdict, 0) + 1
            print(f"{path.parent.parent.name + '/' + path.name:60} {label:10} {verdict:10} {remark}{refused}", flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(tally.items())))


if __name__ == "__main__":
    main()

//! Where meshes are.

use std::path::{Path, PathBuf};

use super::text;
use crate::error::Error;
use crate::scene::mjcf::layers::Layers;
use crate::scene::mjcf::xml::Element;

/// The meshes of a file.
pub(super) struct Meshes {
    /// As MJCF elements, one for each file and scale.
    pub assets: Vec<Element>,
    /// The folder of the URDF file.
    folder: PathBuf,
    /// Where the compiler element says that meshes are.
    mesh_folder: PathBuf,
    strip_path: bool,
}

impl Meshes {
    pub fn new(compiler: &Layers, path: &Path) -> Result<Self, Error> {
        let folder = path.parent().unwrap_or(Path::new(""));
        // The folders above are known only of a full path.
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
        let inside = compiler.text("meshdir").or(compiler.text("assetdir")).unwrap_or("");
        Ok(Self {
            assets: Vec::new(),
            mesh_folder: folder.join(inside),
            folder,
            strip_path: compiler.boolean("strippath", false)?,
        })
    }

    /// The name of the asset of a file and a scale.
    pub fn asset(&mut self, element: &Element, file: &str, scale: [f64; 3]) -> Result<String, Error> {
        let path = self.find(file).ok_or_else(|| {
            let rule = if file.starts_with("package://") {
                "the package is looked for in the folders above this file and in those of ROS_PACKAGE_PATH"
            } else {
                "it is looked for beside this file"
            };
            element.error(format!("cannot find the mesh \"{file}\" ({rule})"))
        })?;
        let (path, scale) = (path.to_string_lossy().into_owned(), text(&scale));
        let same = |e: &&Element| e.get("file") == Some(&path) && e.get("scale") == Some(&scale);
        if let Some(name) = self.assets.iter().find(same).and_then(Element::name) {
            return Ok(name);
        }
        let stem = Path::new(&path).file_stem().map_or("mesh".into(), |stem| stem.to_string_lossy());
        let taken = |name: &str| self.assets.iter().any(|e| e.get("name") == Some(name));
        let name = match taken(&stem) {
            true => format!("{stem}#{}", self.assets.len()),
            false => stem.into_owned(),
        };
        let mut asset = element.beside("mesh");
        for (key, value) in [("name", &name), ("file", &path), ("scale", &scale)] {
            asset.set(key, value.clone());
        }
        self.assets.push(asset);
        Ok(name)
    }

    /// A mesh where MuJoCo looks for it, else where ROS does.
    fn find(&self, file: &str) -> Option<PathBuf> {
        let name = if self.strip_path { file.rsplit(['/', '\\']).next().unwrap_or(file) } else { file };
        let plain = self.mesh_folder.join(name);
        if plain.is_file() {
            return Some(plain);
        }
        if let Some(full) = file.strip_prefix("file://") {
            return Some(PathBuf::from(full)).filter(|path| path.is_file());
        }
        let (package, inside) = file.strip_prefix("package://")?.split_once('/')?;
        let list = std::env::var_os("ROS_PACKAGE_PATH").unwrap_or_default();
        // A folder holds packages, or is one.
        let places = self.folder.ancestors().map(Path::to_path_buf).chain(std::env::split_paths(&list));
        places
            .flat_map(|place| {
                let itself = place.file_name().is_some_and(|name| name == package);
                [Some(place.join(package).join(inside)), itself.then(|| place.join(inside))]
            })
            .flatten()
            .find(|path| path.is_file())
    }
}

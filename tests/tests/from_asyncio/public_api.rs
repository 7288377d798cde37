//! Finds a path of the umbrella in the sources, as the compiler would: through modules, re-exports and globs,
//! and only over what is public.
//!
//! The compiler itself checks what can be imported (tests/build.rs). This finds members too: methods,
//! associated constants and the items of traits, in whatever file of the crate their `impl` stands.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use syn::{Item, UseTree, Visibility};

/// One module: the crate it is in, its path there, its items.
pub(crate) struct Module {
    krate: String,
    path: Vec<String>,
    items: Vec<Item>,
}

/// What a name stands for.
#[derive(Clone)]
enum Found {
    Module(Rc<Module>),
    /// An item that is defined in a module.
    Item(Rc<Module>, String),
}

impl Found {
    /// What makes two of them the same.
    fn identity(&self) -> (String, Vec<String>, Option<String>) {
        match self {
            Found::Module(module) => (module.krate.clone(), module.path.clone(), None),
            Found::Item(module, name) => {
                (module.krate.clone(), module.path.clone(), Some(name.clone()))
            }
        }
    }
}

/// The modules of all library crates, by crate and path.
pub(crate) struct PublicApi {
    modules: HashMap<(String, Vec<String>), Rc<Module>>,
}

impl PublicApi {
    /// Reads every crate of a directory.
    pub(crate) fn read(crates: &Path) -> Self {
        let mut api = Self { modules: HashMap::new() };
        for entry in fs::read_dir(crates).expect("the crates are there") {
            let directory = entry.expect("an entry can be read").path();
            let root = directory.join("src/lib.rs");
            if root.exists() {
                let name =
                    directory.file_name().expect("a name").to_string_lossy().replace('-', "_");
                let items = parse(&root);
                api.add(&name, Vec::new(), items, &directory.join("src"));
            }
        }
        api
    }

    /// Adds a module and those in it, whose files are in a directory.
    fn add(&mut self, krate: &str, path: Vec<String>, mut items: Vec<Item>, directory: &Path) {
        for item in &mut items {
            let Item::Mod(inner) = item else { continue };
            if is_for_tests(&inner.attrs) {
                continue;
            }
            let name = inner.ident.to_string();
            let inside = directory.join(&name);
            let content = match &mut inner.content {
                Some((_, items)) => Some(std::mem::take(items)),
                None => file_of(directory, &name).map(|file| parse(&file)),
            };
            let mut path = path.clone();
            path.push(name);
            if let Some(content) = content {
                self.add(krate, path, content, &inside);
            }
        }
        let module = Module { krate: krate.to_owned(), path: path.clone(), items };
        self.modules.insert((krate.to_owned(), path), Rc::new(module));
    }

    /// Whether a path such as `bowerbird::TaskHandle::cancel` is public.
    pub(crate) fn has(&self, path: &str) -> bool {
        let segments: Vec<&str> = path.split("::").collect();
        let Some(mut found) = self.root(segments[0]).map(Found::Module) else { return false };
        for (index, name) in segments.iter().enumerate().skip(1) {
            let next = match &found {
                Found::Module(module) => self.lookup(module, name, true),
                // A member, which must be the end.
                Found::Item(..) => {
                    return index + 1 == segments.len() && self.has_member(&found, name);
                }
            };
            let Some(next) = next else { return false };
            found = next;
        }
        true
    }

    fn root(&self, krate: &str) -> Option<Rc<Module>> {
        self.modules.get(&(krate.to_owned(), Vec::new())).cloned()
    }

    fn child(&self, module: &Module, name: &str) -> Option<Rc<Module>> {
        let mut path = module.path.clone();
        path.push(name.to_owned());
        self.modules.get(&(module.krate.clone(), path)).cloned()
    }

    /// What a name stands for in a module, from outside (`must_be_public`) or inside.
    fn lookup(&self, module: &Rc<Module>, name: &str, must_be_public: bool) -> Option<Found> {
        let is_seen = |visibility: &Visibility| {
            !must_be_public || matches!(visibility, Visibility::Public(_))
        };
        // Modules first: in `use sleep::sleep` the first word is one, whatever else has the name.
        let is_module = |item: &Item| matches!(item, Item::Mod(inner) if inner.ident == name && is_seen(&inner.vis));
        if module.items.iter().any(is_module) {
            return self.child(module, name).map(Found::Module);
        }
        for item in &module.items {
            match item {
                Item::Use(import) if is_seen(&import.vis) => {
                    if let Some(found) = self.imported(module, &import.tree, name) {
                        return Some(found);
                    }
                }
                _ if defines(item, name, &is_seen) => {
                    return Some(Found::Item(module.clone(), name.to_owned()));
                }
                _ => {}
            }
        }
        if module.path.is_empty() { self.exported_macro(module, name) } else { None }
    }

    /// What an import brings in under a name.
    fn imported(&self, module: &Rc<Module>, tree: &UseTree, name: &str) -> Option<Found> {
        let mut leaves = Vec::new();
        flatten(tree, Vec::new(), &mut leaves);
        for (path, shown) in leaves {
            if shown == "*" {
                let Some(Found::Module(inside)) = self.resolve(module, &path) else { continue };
                if let Some(found) = self.lookup(&inside, name, true) {
                    return Some(found);
                }
            } else if shown == name && path != [name] {
                return self.resolve(module, &path);
            }
        }
        None
    }

    /// What a path inside a module stands for.
    fn resolve(&self, module: &Rc<Module>, path: &[String]) -> Option<Found> {
        let (first, rest) = path.split_first()?;
        let parent = |levels: usize| {
            let path = module.path[..module.path.len().checked_sub(levels)?].to_vec();
            self.modules.get(&(module.krate.clone(), path)).cloned().map(Found::Module)
        };
        let mut found = match first.as_str() {
            "crate" => self.root(&module.krate).map(Found::Module),
            "self" => parent(0),
            "super" => parent(1),
            // A crate before what a glob of that crate may have.
            name => self.root(name).map(Found::Module).or_else(|| self.lookup(module, name, false)),
        }?;
        for name in rest {
            let Found::Module(inside) = &found else { return None };
            found = match name.as_str() {
                "super" => self.resolve(inside, &["super".to_owned()])?,
                // Of another crate only what is public can be reached.
                _ => self.lookup(inside, name, inside.krate != module.krate)?,
            };
        }
        Some(found)
    }

    /// A macro of the crate that `#[macro_export]` puts at its root.
    fn exported_macro(&self, root: &Module, name: &str) -> Option<Found> {
        let of_crate = self.modules.values().filter(|module| module.krate == root.krate);
        let mut exporting = of_crate.filter(|module| {
            module.items.iter().any(|item| {
                matches!(item, Item::Macro(item) if item.ident.as_ref().is_some_and(|ident| ident == name)
                    && item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export")))
            })
        });
        exporting.next().map(|module| Found::Item(module.clone(), name.to_owned()))
    }

    /// Whether a type, an enum or a trait has a public member of a name.
    fn has_member(&self, owner: &Found, name: &str) -> bool {
        let Found::Item(definition, type_name) = owner else { return false };
        let in_definition = definition.items.iter().any(|item| match item {
            Item::Trait(item) if item.ident == type_name => {
                item.items.iter().any(|item| match item {
                    syn::TraitItem::Fn(item) => item.sig.ident == name,
                    syn::TraitItem::Const(item) => item.ident == name,
                    _ => false,
                })
            }
            Item::Enum(item) if item.ident == type_name => {
                item.variants.iter().any(|variant| variant.ident == name)
            }
            _ => false,
        });
        let of_crate = self.modules.values().filter(|module| module.krate == definition.krate);
        in_definition
            || of_crate.into_iter().any(|module| self.implements(module, owner, name))
            || self.by_macro(definition, name)
    }

    /// Whether a module calls macros, and a macro of the crate has a public function of the name: what gives
    /// types of one kind the same methods. Which macro gives which type what, only the compiler knows.
    fn by_macro(&self, definition: &Module, name: &str) -> bool {
        let macros = |module: &Module, is_wanted: &dyn Fn(&syn::ItemMacro) -> bool| {
            module.items.iter().any(|item| matches!(item, Item::Macro(item) if is_wanted(item)))
        };
        let calls = |item: &syn::ItemMacro| item.ident.is_none();
        let gives = |item: &syn::ItemMacro| item.ident.is_some() && declares(&item.mac, name);
        let mut of_crate = self.modules.values().filter(|module| module.krate == definition.krate);
        macros(definition, &calls) && of_crate.any(|module| macros(module, &gives))
    }

    /// Whether an inherent `impl` in a module gives the type a public member of a name.
    fn implements(&self, module: &Rc<Module>, owner: &Found, name: &str) -> bool {
        module.items.iter().any(|item| {
            let Item::Impl(block) = item else { return false };
            let syn::Type::Path(target) = &*block.self_ty else { return false };
            if block.trait_.is_some() || is_for_tests(&block.attrs) {
                return false;
            }
            let path: Vec<String> =
                target.path.segments.iter().map(|s| s.ident.to_string()).collect();
            let is_of_owner = self
                .resolve(module, &path)
                .is_some_and(|found| found.identity() == owner.identity());
            is_of_owner && block.items.iter().any(|item| is_public_member(item, name))
        })
    }
}

fn parse(file: &Path) -> Vec<Item> {
    let text =
        fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let parsed = syn::parse_file(&text);
    parsed.unwrap_or_else(|error| panic!("{}: {error}", file.display())).items
}

fn file_of(directory: &Path, name: &str) -> Option<PathBuf> {
    let files = [directory.join(format!("{name}.rs")), directory.join(name).join("mod.rs")];
    files.into_iter().find(|file| file.exists())
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|argument| argument == "test")
    })
}

/// Whether an item defines a name, and is seen.
fn defines(item: &Item, name: &str, is_seen: &dyn Fn(&Visibility) -> bool) -> bool {
    let (ident, visibility) = match item {
        Item::Struct(item) => (&item.ident, &item.vis),
        Item::Enum(item) => (&item.ident, &item.vis),
        Item::Trait(item) => (&item.ident, &item.vis),
        Item::Type(item) => (&item.ident, &item.vis),
        Item::Const(item) => (&item.ident, &item.vis),
        Item::Static(item) => (&item.ident, &item.vis),
        Item::Fn(item) => (&item.sig.ident, &item.vis),
        // pin_project! { pub struct Name .. } and its like.
        Item::Macro(item) => return item.ident.is_none() && declares(&item.mac, name),
        _ => return false,
    };
    ident == name && is_seen(visibility)
}

/// Whether the body of a macro call holds `pub struct <name>`.
fn declares(call: &syn::Macro, name: &str) -> bool {
    let text = call.tokens.to_string();
    let words: Vec<&str> = text.split_whitespace().collect();
    words.windows(3).any(|three| {
        three[0] == "pub"
            && matches!(three[1], "struct" | "enum" | "fn" | "trait")
            && three[2].split(|c: char| !(c.is_alphanumeric() || c == '_')).next() == Some(name)
    })
}

fn is_public_member(item: &syn::ImplItem, name: &str) -> bool {
    let (ident, visibility) = match item {
        syn::ImplItem::Fn(item) => (&item.sig.ident, &item.vis),
        syn::ImplItem::Const(item) => (&item.ident, &item.vis),
        _ => return false,
    };
    ident == name && matches!(visibility, Visibility::Public(_))
}

/// The imports of a tree: the path, and the name that it is seen by (`*` for all).
fn flatten(tree: &UseTree, mut path: Vec<String>, leaves: &mut Vec<(Vec<String>, String)>) {
    match tree {
        UseTree::Path(step) => {
            path.push(step.ident.to_string());
            flatten(&step.tree, path, leaves);
        }
        UseTree::Name(last) => {
            let name = last.ident.to_string();
            if name == "self" {
                let shown = path.last().cloned().unwrap_or_default();
                return leaves.push((path, shown));
            }
            path.push(name.clone());
            leaves.push((path, name));
        }
        UseTree::Rename(last) => {
            path.push(last.ident.to_string());
            leaves.push((path, last.rename.to_string()));
        }
        UseTree::Glob(_) => leaves.push((path, "*".to_owned())),
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, path.clone(), leaves);
            }
        }
    }
}

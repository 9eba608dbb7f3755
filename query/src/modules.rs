//! Modules: how they are found, and which definitions a name means.
//!
//! jaq knows modules only as texts that it parses itself. So the definitions of all modules become definitions before the
//! program, each under a name of its own (`f#3`), and the calls of them are renamed to match.
use crate::report::CompileError;
use crate::syntax::{self, Import, Program};
use crate::value::{Map, Str, V, num};
use jaq_core::load::Arena;
use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::path::{Part, Path as TermPath};
use std::path::{Path, PathBuf};

type Tm<'s> = Term<&'s str>;
type Errors = Vec<CompileError>;

/// What the directives of a program or a module bring in, in order.
#[derive(Default)]
struct Scope<'s> {
    /// Modules by their number; included ones have no name.
    modules: Vec<(Option<&'s str>, usize)>,
    /// Data: their name with its `$`, and the name of the global variable.
    data: Vec<(&'s str, &'s str)>,
}

struct Module<'s> {
    path: PathBuf,
    /// Name, number of parameters, and what the definition is called now.
    exports: Vec<(&'s str, usize, &'s str)>,
}

/// Loads modules, each once.
pub struct Loader<'s, 'l> {
    arena: &'s Arena,
    library: &'l [PathBuf],
    modules: Vec<Module<'s>>,
    /// Those that are being loaded.
    open: Vec<PathBuf>,
    /// The definitions of all modules, in an order in which each calls earlier ones only.
    pub defs: Vec<Def<&'s str>>,
    /// The texts of data, and the names of the variables that they become.
    pub data: Vec<(&'s str, Vec<u8>)>,
    /// The files that were read: for messages.
    pub files: Vec<(PathBuf, &'s str)>,
}

fn problem(code: &str, at: &str, message: String, file: Option<&Path>) -> CompileError {
    CompileError {
        span: crate::report::span(code, at),
        message,
        file: file.map(|f| (f.display().to_string(), code.to_owned())),
    }
}

impl<'s, 'l> Loader<'s, 'l> {
    pub fn new(arena: &'s Arena, library: &'l [PathBuf]) -> Self {
        Self {
            arena,
            library,
            modules: Vec::new(),
            open: Vec::new(),
            defs: Vec::new(),
            data: Vec::new(),
            files: Vec::new(),
        }
    }

    /// A program with the names of what it imports replaced.
    ///
    /// # Errors
    ///
    /// Modules that are not found, that are no jq, or that import each other in a circle.
    pub fn program(&mut self, code: &'s str, program: Program<'s>) -> Result<Tm<'s>, Errors> {
        let Program {
            imports,
            defs,
            body,
            ..
        } = program;
        let body = body.unwrap_or_default();
        let body = match defs.is_empty() {
            true => body,
            false => Term::Def(defs, Box::new(body)),
        };
        let scope = self.scope(code, imports, None)?;
        let mut names = Names::new(self, &scope, None);
        let body = names.term(body);
        names.problems(code, None).map(|()| body)
    }

    fn scope(
        &mut self,
        code: &'s str,
        imports: Vec<Import<'s>>,
        file: Option<&Path>,
    ) -> Result<Scope<'s>, Errors> {
        let mut scope = Scope::default();
        let mut errors = Vec::new();
        for import in imports {
            let at = import.at;
            match self.import(import, file, &mut scope) {
                Ok(()) => (),
                Err(Failure::Here(message)) => errors.push(problem(code, at, message, file)),
                Err(Failure::There(inner)) => errors.extend(inner),
            }
        }
        match errors.is_empty() {
            true => Ok(scope),
            false => Err(errors),
        }
    }

    fn import(
        &mut self,
        import: Import<'s>,
        file: Option<&Path>,
        scope: &mut Scope<'s>,
    ) -> Result<(), Failure> {
        let meta = import.meta.as_ref().and_then(value).unwrap_or_default();
        let path = value(&import.path).and_then(|p| p.str());
        let path = path.map(|p| p.lossy().into_owned()).unwrap_or_default();
        let data = import.name.filter(|n| n.starts_with('$'));
        let ext = if data.is_some() { "json" } else { "jq" };
        let found = match find(&path, &meta, file, self.library, ext) {
            Ok(found) => found,
            Err(_) if field(&meta, "optional").is_some_and(|v| v.truth()) => return Ok(()),
            Err(message) => return Err(Failure::Here(message)),
        };
        let unreadable = |e| Failure::Here(format!("{}: {e}", found.display()));
        if let Some(name) = data {
            let text = std::fs::read(&found).map_err(unreadable)?;
            crate::json::Reader::new(&text)
                .collect::<Result<V, _>>()
                .map_err(|e| Failure::Here(format!("{}: {e}", found.display())))?;
            let global = self.arena.alloc(format!("{name}#{}", self.data.len()));
            self.data.push((global.as_str(), text));
            scope.data.push((name, global.as_str()));
            return Ok(());
        }
        if self.open.contains(&found) {
            let message = format!("circular import of {}", found.display());
            return Err(Failure::Here(message));
        }
        let known = self.modules.iter().position(|m| m.path == found);
        let id = match known {
            Some(id) => id,
            None => {
                let text = std::fs::read_to_string(&found).map_err(unreadable)?;
                self.module(found, self.arena.alloc(text).as_str())
                    .map_err(Failure::There)?
            }
        };
        scope.modules.push((import.name, id));
        Ok(())
    }

    fn module(&mut self, path: PathBuf, code: &'s str) -> Result<usize, Errors> {
        self.files.push((path.clone(), code));
        let program = syntax::program(code, self.arena)
            .map_err(|e| vec![problem(code, e.at, e.message, Some(&path))])?;
        if program.body.is_some() {
            let message =
                "a module has definitions only, and this one does something besides".into();
            return Err(vec![problem(
                code,
                &code[code.len()..],
                message,
                Some(&path),
            )]);
        }
        self.open.push(path.clone());
        let scope = self.scope(code, program.imports, Some(&path));
        self.open.pop();
        let scope = scope?;
        let id = self.modules.len();
        self.modules.push(Module {
            path,
            exports: Vec::new(),
        });
        for def in program.defs {
            let (name, arity) = (def.name, def.args.len());
            let now = self
                .arena
                .alloc(format!("{name}#{id}.{}", self.defs.len()))
                .as_str();
            // a definition may call itself, and those before it
            self.modules[id].exports.push((name, arity, now));
            let mut names = Names::new(self, &scope, Some(id));
            let def = names.def(def);
            names.problems(code, Some(&self.modules[id].path))?;
            self.defs.push(Def { name: now, ..def });
        }
        Ok(id)
    }
}

enum Failure {
    /// Something is wrong with the directive.
    Here(String),
    /// Something is wrong in the module.
    There(Errors),
}

/// Where modules are looked for: in the folders that the directive names, then in the library.
fn find(
    path: &str,
    meta: &V,
    file: Option<&Path>,
    library: &[PathBuf],
    ext: &str,
) -> Result<PathBuf, String> {
    let parts: Vec<&str> = path.split('/').collect();
    if path.contains('\0') {
        return Err("the path of a module has no NUL in it".into());
    }
    if path.contains('\\') {
        return Err(format!(
            "the path of a module is written with `/`, not `\\`: {path}"
        ));
    }
    if parts.contains(&"..") || path.starts_with('/') {
        return Err(format!(
            "{path}: a module lies below a folder of the library: no `..`, no `/` at the start"
        ));
    }
    if parts.windows(2).any(|w| w[0] == w[1]) {
        return Err(format!("{path}: two parts of the path in a row are equal"));
    }
    let folder = file.and_then(Path::parent);
    let search = match field(meta, "search") {
        Some(V::Arr(folders)) => folders.iter().filter_map(V::str).collect(),
        Some(v) => v.str().into_iter().collect(),
        None => Vec::new(),
    };
    let near = |s: &Str| {
        let s = PathBuf::from(s.lossy().into_owned());
        match folder {
            Some(f) => f.join(expand(&s)),
            None => expand(&s),
        }
    };
    let folders = search
        .iter()
        .map(near)
        .chain(library.iter().map(|p| expand(p)));
    let last = parts.last().copied().unwrap_or_default();
    for folder in folders {
        for rest in [
            format!("{path}.{ext}"),
            format!("{path}/jq/main.{ext}"),
            format!("{path}/{last}.{ext}"),
        ] {
            let whole = folder.join(rest);
            if let Ok(found) = whole.canonicalize()
                && found.is_file()
            {
                return Ok(found);
            }
        }
    }
    Err(format!("{path}: file not found"))
}

/// `~` and `$ORIGIN` at the start of a path.
fn expand(path: &Path) -> PathBuf {
    let within = |prefix, base: Option<PathBuf>| Some(base?.join(path.strip_prefix(prefix).ok()?));
    let home = || std::env::var_os("HOME").map(PathBuf::from);
    let origin = || Some(std::env::current_exe().ok()?.parent()?.to_owned());
    within("~", home())
        .or_else(|| within("$ORIGIN", origin()))
        .unwrap_or_else(|| path.to_owned())
}

/// What `modulemeta` gives for a module.
///
/// # Errors
///
/// If it is not found, or is no jq.
pub fn meta(name: &str, library: &[PathBuf]) -> Result<V, String> {
    let path = find(name, &V::Null, None, library, "jq")?;
    let code = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let arena = Arena::default();
    let program =
        syntax::program(&code, &arena).map_err(|e| format!("{}: {}", path.display(), e.message))?;
    let mut out = match program.meta.as_ref().and_then(value).map(V::into_fields) {
        Some(Ok(fields)) => fields.into_iter().collect::<Map>(),
        _ => Map::default(),
    };
    let dep = |i: &Import<'_>| {
        let fields = i.meta.as_ref().and_then(value).map(V::into_fields);
        let mut dep: Map = fields
            .and_then(Result::ok)
            .unwrap_or_default()
            .into_iter()
            .collect();
        if let Some(name) = i.name {
            dep.insert("as".into(), V::text(name.trim_start_matches('$')));
        }
        let data = i.name.is_some_and(|n| n.starts_with('$'));
        dep.insert("is_data".into(), V::Bool(data));
        dep.insert("relpath".into(), value(&i.path).unwrap_or_default());
        V::obj(dep)
    };
    out.insert("deps".into(), program.imports.iter().map(dep).collect());
    let def = |d: &Def<&str>| V::text(format!("{}/{}", d.name, d.args.len()));
    out.insert("defs".into(), program.defs.iter().map(def).collect());
    Ok(V::obj(out))
}

fn field(v: &V, key: &str) -> Option<V> {
    match v {
        V::Obj(o) => o.get(key.as_bytes()).cloned(),
        _ => None,
    }
}

/// The value of a term that is written out.
fn value(t: &Tm<'_>) -> Option<V> {
    Some(match t {
        Term::Num(n) => V::Num(num::parse(n)?),
        Term::Neg(t) => (-value(t)?).ok()?,
        Term::Str(None, parts) => {
            let mut s = String::new();
            for p in parts {
                match p {
                    StrPart::Str(p) => s.push_str(p),
                    StrPart::Char(c) => s.push(*c),
                    StrPart::Term(_) => return None,
                }
            }
            V::text(s)
        }
        Term::Call("true", _) => V::Bool(true),
        Term::Call("false", _) => V::Bool(false),
        Term::Call("null", _) => V::Null,
        Term::Arr(None) => V::arr(Vec::new()),
        Term::Arr(Some(t)) => {
            let mut items = Vec::new();
            values(t, &mut items)?;
            V::arr(items)
        }
        Term::Obj(fields) => {
            let mut map = Map::default();
            for (k, v) in fields {
                map.insert(value(k)?.str()?, value(v.as_ref()?)?);
            }
            V::obj(map)
        }
        _ => return None,
    })
}

fn values(t: &Tm<'_>, out: &mut Vec<V>) -> Option<()> {
    match t {
        Term::BinOp(l, BinaryOp::Comma, r) => {
            values(l, out)?;
            values(r, out)
        }
        t => {
            out.push(value(t)?);
            Some(())
        }
    }
}

/// Renames what a term takes from modules.
struct Names<'a, 's, 'l> {
    loader: &'a Loader<'s, 'l>,
    scope: &'a Scope<'s>,
    own: Option<usize>,
    /// The functions that are defined around the term, and how many parameters they have.
    funs: Vec<(&'s str, usize)>,
    vars: Vec<&'s str>,
    /// What is said to be of a module, and is not there.
    missing: Vec<(&'s str, usize)>,
}

impl<'a, 's, 'l> Names<'a, 's, 'l> {
    fn new(loader: &'a Loader<'s, 'l>, scope: &'a Scope<'s>, own: Option<usize>) -> Self {
        Self {
            loader,
            scope,
            own,
            funs: Vec::new(),
            vars: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// What was missing.
    fn problems(&self, code: &str, file: Option<&Path>) -> Result<(), Errors> {
        let missing = self.missing.iter().map(|(name, arity)| {
            let message = format!("{name}/{arity} is not defined");
            problem(code, name, message, file)
        });
        let errors: Errors = missing.collect();
        match errors.is_empty() {
            true => Ok(()),
            false => Err(errors),
        }
    }

    fn function(&mut self, name: &'s str, arity: usize) -> &'s str {
        if self.funs.contains(&(name, arity)) {
            return name;
        }
        let export = |id: usize, name: &str| {
            let mut exports = self.loader.modules[id].exports.iter().rev();
            exports
                .find(|(n, a, _)| *n == name && *a == arity)
                .map(|e| e.2)
        };
        let imported = |(alias, id): &(Option<&'s str>, usize)| match alias {
            None => export(*id, name),
            Some(alias) => export(*id, name.strip_prefix(alias)?.strip_prefix("::")?),
        };
        let imported = self.scope.modules.iter().rev().find_map(imported);
        let own = || self.own.and_then(|id| export(id, name));
        let found = imported.or_else(own);
        if found.is_none() && name.contains("::") {
            self.missing.push((name, arity));
        }
        found.unwrap_or(name)
    }

    fn variable(&self, name: &'s str) -> &'s str {
        if self.vars.contains(&name) {
            return name;
        }
        let is = |data: &str| {
            let plain = data.trim_start_matches('$');
            name == data || name.strip_prefix('$') == Some(&format!("{plain}::{plain}"))
        };
        let mut data = self.scope.data.iter().rev();
        data.find(|(n, _)| is(n)).map_or(name, |(_, global)| global)
    }

    fn boxed(&mut self, t: Tm<'s>) -> Box<Tm<'s>> {
        Box::new(self.term(t))
    }

    fn opt(&mut self, t: Option<Box<Tm<'s>>>) -> Option<Box<Tm<'s>>> {
        t.map(|t| self.boxed(*t))
    }

    fn def(&mut self, d: Def<&'s str>) -> Def<&'s str> {
        let (funs, vars) = (self.funs.len(), self.vars.len());
        for a in &d.args {
            match a.starts_with('$') {
                true => self.vars.push(a),
                false => self.funs.push((a, 0)),
            }
        }
        let body = self.term(d.body);
        self.funs.truncate(funs);
        self.vars.truncate(vars);
        Def { body, ..d }
    }

    fn pattern(&mut self, p: Pattern<&'s str>, bound: &mut Vec<&'s str>) -> Pattern<&'s str> {
        match p {
            Pattern::Var(x) => {
                bound.push(x);
                p
            }
            Pattern::Arr(ps) => {
                Pattern::Arr(ps.into_iter().map(|p| self.pattern(p, bound)).collect())
            }
            Pattern::Obj(ps) => {
                let field = |(k, p)| (self.term(k), self.pattern(p, bound));
                Pattern::Obj(ps.into_iter().map(field).collect())
            }
        }
    }

    fn term(&mut self, t: Tm<'s>) -> Tm<'s> {
        match t {
            Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) => t,
            Term::Var(x) => Term::Var(self.variable(x)),
            Term::Str(f, parts) => {
                let part = |p| match p {
                    StrPart::Term(t) => StrPart::Term(self.term(t)),
                    p => p,
                };
                Term::Str(f, parts.into_iter().map(part).collect())
            }
            Term::Arr(t) => Term::Arr(self.opt(t)),
            Term::Obj(fields) => {
                let field = |(k, v): (Tm<'s>, Option<Tm<'s>>)| match (k, v) {
                    // `{$x}` is `{x: $x}`, whatever the variable is called now
                    (Term::Var(x), None) => {
                        let key = Term::Str(None, vec![StrPart::Str(&x[1..])]);
                        (key, Some(Term::Var(self.variable(x))))
                    }
                    (k, v) => (self.term(k), v.map(|v| self.term(v))),
                };
                Term::Obj(fields.into_iter().map(field).collect())
            }
            Term::Neg(t) => Term::Neg(self.boxed(*t)),
            Term::BinOp(l, BinaryOp::Pipe(Some(p)), r) => {
                let l = self.boxed(*l);
                let vars = self.vars.len();
                let mut bound = Vec::new();
                let p = self.pattern(p, &mut bound);
                self.vars.extend(bound);
                let r = self.boxed(*r);
                self.vars.truncate(vars);
                Term::BinOp(l, BinaryOp::Pipe(Some(p)), r)
            }
            Term::BinOp(l, op, r) => Term::BinOp(self.boxed(*l), op, self.boxed(*r)),
            Term::Label(x, t) => Term::Label(x, self.boxed(*t)),
            Term::Fold(f, xs, p, args) => {
                let xs = self.boxed(*xs);
                let vars = self.vars.len();
                let mut bound = Vec::new();
                let p = self.pattern(p, &mut bound);
                let mut args = args.into_iter();
                let init = args.next().map(|t| self.term(t));
                self.vars.extend(bound);
                let rest: Vec<_> = args.map(|t| self.term(t)).collect();
                self.vars.truncate(vars);
                Term::Fold(f, xs, p, init.into_iter().chain(rest).collect())
            }
            Term::TryCatch(t, c) => Term::TryCatch(self.boxed(*t), self.opt(c)),
            Term::IfThenElse(ifs, other) => {
                let ifs = ifs.into_iter().map(|(i, t)| (self.term(i), self.term(t)));
                let ifs = ifs.collect();
                Term::IfThenElse(ifs, self.opt(other))
            }
            Term::Def(defs, t) => {
                let funs = self.funs.len();
                let mut out = Vec::new();
                for d in defs {
                    let sig = (d.name, d.args.len());
                    self.funs.push(sig);
                    out.push(self.def(d));
                }
                let t = self.boxed(*t);
                self.funs.truncate(funs);
                Term::Def(out, t)
            }
            Term::Call(name, args) => {
                let name = self.function(name, args.len());
                Term::Call(name, args.into_iter().map(|t| self.term(t)).collect())
            }
            Term::Path(t, path) => {
                let t = self.boxed(*t);
                let part = |(p, o)| {
                    let p = match p {
                        Part::Index(i) => Part::Index(self.term(i)),
                        Part::Range(l, r) => {
                            Part::Range(l.map(|t| self.term(t)), r.map(|t| self.term(t)))
                        }
                    };
                    (p, o)
                };
                Term::Path(t, TermPath(path.0.into_iter().map(part).collect()))
            }
        }
    }
}

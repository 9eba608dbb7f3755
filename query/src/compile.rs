//! From the text of a program to something that runs.
use crate::constants::Constants;
use crate::report::{self, CompileError, CompileErrors};
use crate::run::{Context, Data, Outputs, Types};
use crate::value::V;
use crate::{fns, fuse, json, rewrite, tokens};
use binq_core::{NodeFn, ScalarFn};
use jaq_core::load::parse::{Def, Term};
use jaq_core::load::{Arena, File, Import, Lexer, Loader, Parser, lex};
use jaq_core::{Compiler, Ctx, Filter, Vars};
use std::path::PathBuf;

/// A compiled query. It can be run any number of times, and shared between threads.
pub struct Query {
    filter: Filter<Types>,
    vars: usize,
    /// The texts of data that the program imports. Values cannot be shared between threads, so each run reads them.
    data: Vec<Vec<u8>>,
    constants: Constants,
}

/// What compiling takes besides the program.
#[derive(Clone, Default)]
pub struct Settings<'a> {
    /// Names of variables that [`Query::run`] gets values for, with or without a leading `$`. `$ENV` is always there.
    pub vars: &'a [String],
    /// Functions that formats supply: those of the registry that the query will run with.
    pub extras: &'a [ScalarFn],
    /// More of them, that take any values and arguments.
    pub functions: &'a [NodeFn],
    /// Definitions in jq that formats supply; they may call what is in `extras` and `functions`.
    pub definitions: &'a str,
    /// Directories to look for modules in.
    pub library: &'a [PathBuf],
}

/// The name under which a rewritten program is handed to jaq.
const MAIN: &str = "__main";

impl Query {
    /// Compiles a program.
    ///
    /// # Errors
    ///
    /// All that is wrong with the program, with the place of each.
    pub fn compile(code: &str, settings: &Settings<'_>) -> Result<Self, CompileErrors> {
        let fail = |errors| CompileErrors {
            code: code.into(),
            errors,
        };
        // `jq ''` is the identity
        let code = if code.trim().is_empty() { "." } else { code };
        let vars: Vec<String> = std::iter::once("$ENV".to_string())
            .chain(
                settings
                    .vars
                    .iter()
                    .map(|v| format!("${}", v.trim_start_matches('$'))),
            )
            .collect();

        let tokens = Lexer::new(code)
            .lex()
            .map_err(|e| fail(report::lex_errors(code, &e)))?;
        let extras = fns::extra_defs(settings.extras, settings.functions);
        let mut prelude: Vec<Def<&str>> = fns::defs();
        prelude.extend(fns::parse_defs(&extras));
        let supplied = jaq_core::load::parse(settings.definitions, |p| p.defs());
        prelude.extend(supplied.ok_or_else(|| {
            fail(vec![CompileError {
                span: 0..0,
                message: "not definitions in jq".to_owned(),
                file: Some((
                    "what a format supplies".to_owned(),
                    settings.definitions.to_owned(),
                )),
            }])
        })?);

        let arena = Arena::default();
        let modular = matches!(
            tokens.first(),
            Some(lex::Token("import" | "include" | "module", _))
        );
        let mut constants = Constants::default();
        let main = if modular {
            // jaq resolves modules only in the main program itself, which rules out rewriting it
            code
        } else {
            let tokens = tokens::rewrite(code, tokens);
            // before paths are rewritten: those that can be fused are told by how they are written
            let term = fuse::term(parse(code, &tokens).map_err(&fail)?);
            let (body, found) = rewrite::term(term, code, &arena)
                .map_err(|e| fail(report::constant_keys(code, e)))?;
            constants = found;
            prelude.push(Def {
                name: MAIN,
                args: Vec::new(),
                body,
            });
            MAIN
        };
        let loader = Loader::new(prelude).with_read(|import: Import<'_, &str, PathBuf>| {
            let path = find(import, settings.library)?;
            let code =
                std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            Ok(File { code, path })
        });
        let modules = loader
            .load(
                &arena,
                File {
                    code: main,
                    path: PathBuf::new(),
                },
            )
            .map_err(|files| {
                let errors = files.into_iter().flat_map(|(file, e)| {
                    let errors = report::load_errors(file.code, e);
                    errors.into_iter().map(move |e| in_file(e, &file))
                });
                fail(errors.collect())
            })?;
        let mut data = Vec::new();
        let imported = jaq_core::load::import(&modules, |import| {
            let path = import.find(settings.library, "json")?;
            let text = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            // not needed now, but errors are to be told now
            read_all(&text).map_err(|e| format!("{}: {e}", path.display()))?;
            data.push(text);
            Ok(())
        });
        imported.map_err(|files| {
            let errors = files.into_iter().flat_map(|(file, e)| {
                let errors = report::load_errors(file.code, e);
                errors.into_iter().map(move |e| in_file(e, &file))
            });
            fail(errors.collect())
        })?;
        let compiler = Compiler::default()
            .with_funs(fns::natives())
            .with_global_vars(vars.iter().map(|v| &**v));
        let filter = compiler.compile(modules).map_err(|files| {
            let errors = files.into_iter().flat_map(|(file, e)| {
                // the prelude has no text of its own, but the rewritten program is in it
                let text = if file.path.as_os_str().is_empty() {
                    code
                } else {
                    file.code
                };
                let errors = report::undefined(text, &e);
                errors.into_iter().map(move |e| in_file(e, &file))
            });
            fail(errors.collect())
        })?;
        Ok(Self {
            filter,
            vars: settings.vars.len(),
            data,
            constants,
        })
    }

    /// Runs the query over one input.
    ///
    /// # Panics
    ///
    /// If there are not as many values as variables were named when the query was compiled.
    pub fn run<'a>(&'a self, cx: &'a Context, input: V, vars: Vec<V>) -> Outputs<'a> {
        assert_eq!(vars.len(), self.vars, "as many values as named variables");
        // jaq numbers imported data after all other variables; it was readable when the query was compiled
        let data = self
            .data
            .iter()
            .map(|text| read_all(text).unwrap_or_default());
        // jaq begins to compute before the first output is asked for
        cx.begin();
        let vars = Vars::new(std::iter::once(cx.env()).chain(vars).chain(data));
        let ctx = Ctx::<Types>::new(
            Data {
                lut: &self.filter.lut,
                cx,
                constants: &self.constants,
            },
            vars,
        );
        Outputs::new(self.filter.id.run((ctx, input)), cx)
    }
}

/// Finds a module `a/b`: as `a/b.jq`, or, as jq has it, as `a/b/b.jq`.
fn find(import: Import<'_, &str, PathBuf>, library: &[PathBuf]) -> Result<PathBuf, String> {
    let Import { parent, path, meta } = import;
    import.find(library, "jq").or_else(|e| {
        let last = path.rsplit('/').next().unwrap_or_default();
        let inner = format!("{path}/{last}");
        Import {
            parent,
            path: &inner.as_str(),
            meta,
        }
        .find(library, "jq")
        .map_err(|_| format!("{path}: {e}"))
    })
}

/// The values of a text as an array.
fn read_all(text: &[u8]) -> Result<V, json::ParseError> {
    json::Reader::new(text).collect()
}

fn in_file(e: CompileError, file: &File<&str, PathBuf>) -> CompileError {
    if file.path.as_os_str().is_empty() {
        return e;
    }
    CompileError {
        file: Some((file.path.display().to_string(), file.code.into())),
        ..e
    }
}

/// Parses a program without modules.
fn parse<'s>(
    code: &'s str,
    tokens: &[lex::Token<&'s str>],
) -> Result<Term<&'s str>, Vec<CompileError>> {
    Parser::new(tokens).parse(|p| p.term()).map_err(|errors| {
        let errors = errors
            .into_iter()
            .map(|(expect, found)| (expect, lex::Token::opt_as_str(found, code)));
        report::parse_errors(code, &errors.collect::<Vec<_>>())
    })
}

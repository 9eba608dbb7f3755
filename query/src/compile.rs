//! From the text of a program to something that runs.
use crate::constants::Constants;
use crate::modules::Loader;
use crate::report::{self, CompileError, CompileErrors};
use crate::rewrite::Rewriter;
use crate::run::{Context, Data, Outputs, Types};
use crate::value::V;
use crate::{fns, fuse, json, prelude, syntax};
use binq_core::{NodeFn, ScalarFn};
use jaq_core::load::parse::Def;
use jaq_core::load::{Arena, File};
use jaq_core::{Compiler, Ctx, Filter, Vars};
use std::path::PathBuf;

/// A compiled query. It can be run any number of times, and shared between threads.
pub struct Query {
    filter: Filter<Types>,
    vars: usize,
    /// The texts of data that the program imports. Values cannot be shared between threads, so each run reads them.
    data: Vec<Vec<u8>>,
    constants: Constants,
    /// Where modules are looked for.
    library: Vec<PathBuf>,
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
        // what is said of an error does not depend on which definitions were read
        Self::compile_with(code, settings, prelude::needed)
            .or_else(|_| Self::compile_with(code, settings, |all, _| all.to_owned()))
    }

    /// Compiles a program with those of the definitions that `choose` chooses, of which it is told who calls them.
    fn compile_with(
        code: &str,
        settings: &Settings<'_>,
        choose: fn(&str, &[&str]) -> String,
    ) -> Result<Self, CompileErrors> {
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

        let arena = Arena::default();
        let program = syntax::program(code, &arena).map_err(|e| {
            fail(vec![CompileError {
                span: report::span(code, e.at),
                message: e.message,
                file: None,
            }])
        })?;
        let mut loader = Loader::new(&arena, settings.library);
        let term = loader.program(code, program).map_err(fail)?;

        let mut callers = vec![code];
        callers.extend(loader.files.iter().map(|(_, text)| *text));
        let definitions = choose(settings.definitions, &callers);
        callers.push(&definitions);
        let extras = choose(
            &fns::extra_defs(settings.extras, settings.functions),
            &callers,
        );
        callers.push(&extras);
        let own = choose(fns::DEFS, &callers);
        let mut prelude: Vec<Def<&str>> = fns::parse_defs(&own, &arena);
        prelude.extend(fns::parse_defs(&extras, &arena));
        let supplied = syntax::program(&definitions, &arena).map_err(|e| {
            fail(vec![CompileError {
                span: report::span(&definitions, e.at),
                message: e.message,
                file: Some(("what a format supplies".to_owned(), definitions.clone())),
            }])
        })?;
        prelude.extend(supplied.defs);
        let rewriter = Rewriter::new(&arena);
        let mut prelude: Vec<_> = prelude.into_iter().map(|d| rewriter.def(d)).collect();
        prelude.extend(loader.defs.into_iter().map(|d| rewriter.def(d)));
        // before paths are rewritten: those that can be fused are told by how they are written
        let body = rewriter.term(fuse::term(term));
        prelude.push(Def {
            name: MAIN,
            args: Vec::new(),
            body,
        });
        let main = File {
            code: MAIN,
            path: (),
        };
        let modules = jaq_core::load::Loader::new(prelude)
            .load(&arena, main)
            .map_err(|_| fail(Vec::new()))?;
        let globals = vars.iter().map(|v| &**v);
        let compiler = Compiler::default()
            .with_funs(fns::natives())
            .with_global_vars(globals.chain(loader.data.iter().map(|(name, _)| *name)));
        let filter = compiler.compile(modules).map_err(|files| {
            let errors = files.into_iter().flat_map(|(_, e)| e);
            fail(report::undefined(code, &loader.files, errors))
        })?;
        let constants = rewriter.finish();
        let data = loader.data.into_iter().map(|(_, text)| text).collect();
        Ok(Self {
            filter,
            vars: settings.vars.len(),
            data,
            constants,
            library: settings.library.to_vec(),
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
                library: &self.library,
            },
            vars,
        );
        Outputs::new(self.filter.id.run((ctx, input)), cx)
    }
}

/// The values of a text as an array.
fn read_all(text: &[u8]) -> Result<V, json::ParseError> {
    json::Reader::new(text).collect()
}

//! The attributes of `auricle-guest`: [`macro@listener`] and [`macro@start`].
//!
//! They leave the function as it is and add what a component has to export. The function's name is all they need to
//! know, so they walk the tokens themselves and no parser has to be built before a process is.

use proc_macro::{Delimiter, Ident, Span, TokenStream, TokenTree};

/// Makes a function the listener of this process: what the host runs for each execution.
///
/// It takes an `Execution` and a `Vec<Document>`, and returns anything that is `IntoReply`: a `Reply`, a `Document`, a
/// `Vec<Document>`, text, `()`, or a `Result` of one of them. One function of a process has this attribute.
#[proc_macro_attribute]
pub fn listener(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand("listener", &attribute, item, |name| {
        format!(
            "const _: () = ::auricle_guest::__private::check_listener({name});
             #[cfg(target_family = \"wasm\")]
             const _: () = {{
                 use ::auricle_guest::__private as __auricle;
                 struct __Component;
                 impl __auricle::process::exports::auricle::process::listener::Guest for __Component {{
                     fn execute(
                         documents: ::std::vec::Vec<__auricle::RawDocument>,
                     ) -> ::core::result::Result<::std::vec::Vec<__auricle::RawDocument>, __auricle::RawFailure> {{
                         __auricle::execute({name}, documents)
                     }}
                 }}
                 __auricle::process::__export_listener!(__Component with_types_in __auricle::process);
             }};"
        )
    })
}

/// Makes a function the preparation of this process: `fn() -> Result<(), Error>`.
///
/// The host calls it once for each low-latency instance, before the instance takes its first execution, and once at
/// deploy, where an error fails the deploy; for a process in general mode that is the only time. It has the process's
/// `timeout` to itself. There is no execution yet: no properties, no sub-processes.
#[proc_macro_attribute]
pub fn start(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand("start", &attribute, item, |name| {
        format!(
            "const _: () = ::auricle_guest::__private::check_start({name});
             #[cfg(target_family = \"wasm\")]
             const _: () = {{
                 use ::auricle_guest::__private as __auricle;
                 struct __Component;
                 impl __auricle::lifecycle::exports::auricle::process::lifecycle::Guest for __Component {{
                     fn start() -> ::core::result::Result<(), ::std::string::String> {{
                         __auricle::start({name})
                     }}
                 }}
                 __auricle::lifecycle::__export_lifecycle!(__Component with_types_in __auricle::lifecycle);
             }};"
        )
    })
}

/// The item unchanged, and the glue for its name; or a compile error in place of the glue.
fn expand(what: &str, attribute: &TokenStream, item: TokenStream, glue: impl Fn(&Ident) -> String) -> TokenStream {
    let name = match function_name(what, attribute, &item) {
        Ok(name) => name,
        Err((span, message)) => {
            let mut output = item;
            output.extend(compile_error(span, &message));
            return output;
        }
    };
    let added = match glue(&name).parse::<TokenStream>() {
        // Errors about the function's type then point at its name, and not at the attribute.
        Ok(tokens) => tokens.into_iter().map(|token| respan(token, &name)).collect(),
        Err(error) => compile_error(name.span(), &format!("#[{what}] cannot be used on `{name}`: {error}")),
    };
    let mut output = item;
    output.extend(added);
    output
}

/// The same token, with the user's own span where it is the function's name.
fn respan(token: TokenTree, name: &Ident) -> TokenTree {
    match token {
        TokenTree::Ident(ident) if ident.to_string() == name.to_string() => TokenTree::Ident(name.clone()),
        TokenTree::Group(group) => {
            let inner = group.stream().into_iter().map(|token| respan(token, name)).collect();
            let mut with_spans = proc_macro::Group::new(group.delimiter(), inner);
            with_spans.set_span(group.span());
            TokenTree::Group(with_spans)
        }
        other => other,
    }
}

/// Finds the name after `fn`, and refuses what cannot be a listener: something other than a plain function.
fn function_name(what: &str, attribute: &TokenStream, item: &TokenStream) -> Result<Ident, (Span, String)> {
    if let Some(token) = attribute.clone().into_iter().next() {
        return Err((token.span(), format!("#[{what}] takes no arguments: write `#[{what}]` above the function")));
    }
    let refuse = |span, why: &str| Err((span, format!("#[{what}] goes on a plain function: {why}")));
    let mut tokens = item.clone().into_iter();
    while let Some(token) = tokens.next() {
        let TokenTree::Ident(word) = &token else { continue };
        match word.to_string().as_str() {
            "fn" => {}
            "async" => {
                return refuse(word.span(), "the host's interface is synchronous, so `async fn` is not possible");
            }
            "struct" | "enum" | "impl" | "mod" | "trait" | "use" | "const" | "static" | "type" => {
                return refuse(word.span(), &format!("this is no function but a `{word}`"));
            }
            _ => continue,
        }
        let Some(TokenTree::Ident(name)) = tokens.next() else { break };
        return match tokens.next() {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => Ok(name),
            _ => refuse(name.span(), &format!("`{name}` cannot have type parameters, because the host calls it")),
        };
    }
    refuse(Span::call_site(), "no `fn` was found")
}

/// `compile_error!("message")` at a place.
fn compile_error(span: Span, message: &str) -> TokenStream {
    let source = format!("::core::compile_error!({message:?});");
    let tokens: TokenStream = source.parse().unwrap_or_default();
    tokens
        .into_iter()
        .map(|mut token| {
            token.set_span(span);
            token
        })
        .collect()
}

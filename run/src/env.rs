//! What `env` does with its arguments, as far as it can be told without running it.
//!
//! Whatever is not known for sure ends the reading: `env` itself is run then, as any other program.

/// What is told by the arguments of `env`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Env<'a> {
    /// The name of the program that it runs, to be found on the `PATH` of now.
    pub program: Option<&'a [u8]>,
    /// Whether it takes away what the dynamic linker would read.
    pub drops_preload: bool,
}

/// Reads the arguments that follow the name of `env`, on its command line or in a `#!` line.
pub fn read<'a>(mut words: impl Iterator<Item = &'a [u8]>) -> Env<'a> {
    let mut env = Env::default();
    while let Some(word) = words.next() {
        if word.iter().any(|byte| matches!(byte, b'"' | b'\'' | b'\\' | b'$' | b'#')) {
            return env;
        }
        let Some(option) = word.strip_prefix(b"-") else {
            if !word.contains(&b'=') {
                env.program = Some(word);
                return env;
            }
            if word.starts_with(b"PATH=") {
                return env;
            }
            env.drops_preload |= is_preload(word.split(|byte| *byte == b'=').next());
            continue;
        };
        let value = |prefix: &[u8]| option.strip_prefix(prefix).filter(|rest| !rest.is_empty());
        match option {
            b"" | b"i" | b"iS" | b"-ignore-environment" => env.drops_preload = true,
            b"S" | b"v" | b"vS" | b"-split-string" | b"-debug" | b"-" => {}
            b"u" | b"-unset" => env.drops_preload |= is_preload(words.next()),
            b"C" | b"-chdir" => drop(words.next()),
            _ if value(b"-chdir=").is_some() => {}
            _ => match value(b"-unset=").or_else(|| value(b"u")) {
                Some(name) => env.drops_preload |= is_preload(Some(name)),
                None => return env,
            },
        }
    }
    env
}

fn is_preload(name: Option<&[u8]>) -> bool {
    name == Some(b"LD_PRELOAD")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (Option<&str>, bool) {
        let env = read(text.split_ascii_whitespace().map(str::as_bytes));
        (env.program.map(|name| str::from_utf8(name).unwrap()), env.drops_preload)
    }

    #[test]
    fn program_is_behind_options_and_variables() {
        for text in [
            "python3",
            "python3 -i",
            "-S python3 -i -u LD_PRELOAD",
            "-S -u FOO python3",
            "-S -uFOO --unset=BAR --unset BAZ python3",
            "-S -C / --chdir / --chdir=/ A=1 python3",
            "-vS -- python3",
        ] {
            assert_eq!(of(text), (Some("python3"), false), "{text}");
        }
    }

    #[test]
    fn doubt_ends_the_reading() {
        for text in
            ["", "-S", "-S -u", "-Spython3", "-P /bin python3", "PATH=/x python3", "-S 'a b'"]
        {
            assert_eq!(of(text), (None, false), "{text}");
        }
    }

    #[test]
    fn preload_that_is_taken_away_is_seen() {
        for text in [
            "-i python3",
            "- python3",
            "-iS python3",
            "-S --ignore-environment python3",
            "-S -u LD_PRELOAD python3",
            "--unset=LD_PRELOAD python3",
            "LD_PRELOAD= python3",
        ] {
            assert_eq!(of(text), (Some("python3"), true), "{text}");
        }
    }
}

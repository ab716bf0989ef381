//! What ships, judged from the outside: the shared library, the archive, the names they export, and
//! what `make install` copies.
//!
//! A user, a packager or another library meets nothing but these files, so the tests look at them
//! with the tools that those people have: readelf, pkg-config, the C compiler, make.

mod support;

mod artefacts {
    mod archive;
    mod debian;
    mod dist;
    mod install;
    mod loading;
    mod manifest;
    mod names;
    mod parallel;
    mod platforms;
    mod readelf;
    mod readme;
    mod shared;
}

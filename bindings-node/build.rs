//! Tells the linker that an addon's symbols come from Node.

fn main() {
    napi_build::setup();
}

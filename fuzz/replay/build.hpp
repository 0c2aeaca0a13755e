#pragma once

namespace slabproof {

/// The commit that this program was built from; "a changed tree after" it if files differ from it; nothing where it is
/// not known.
const char* build_commit();
/// The compiler and its version.
const char* build_compiler();

}  // namespace slabproof

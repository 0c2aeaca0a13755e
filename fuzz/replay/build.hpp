#pragma once

namespace slabproof {

/// Of which commit this program was built; "a changed tree after" it where files differ from it.
const char* build_commit();
/// The compiler and its version.
const char* build_compiler();

}  // namespace slabproof

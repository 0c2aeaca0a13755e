#pragma once

#include <string>
#include <vector>

namespace slabproof {

/// How a subject was compiled and linked. A line is a fact: `root` with the folder of this project, `compiler` and
/// `c_compiler` with a path; `adapter` with the
/// file that names the subject and `source` with each other one, behind them `standard` with a number or nothing, and
/// `word` with each word for the compiler; `library` with each word for the linker. Words are as CMake has them.
/// Written by slabproof_add_subject() (model/how_compiled.cmake).
const char* how_it_is_compiled();

/// The same, read.
struct HowCompiled {
  struct Source {
    std::string file;
    std::string words;  // for a shell
  };
  std::string root, compiler, c_compiler;
  Source adapter;  // its file is empty where no source was seen to name a subject
  std::vector<Source> others;
  std::string libraries;  // for a shell
};
HowCompiled how_compiled();

/// The commands that compile a test in `file` with everything else, link it, and run it with `environment`, words for a
/// shell.
std::string commands_for(const HowCompiled& how, const std::string& file, const std::string& environment);

}  // namespace slabproof

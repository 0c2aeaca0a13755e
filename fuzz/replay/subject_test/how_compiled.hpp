#pragma once

#include <string>
#include <vector>

namespace slabproof {

/// How a subject was compiled and linked. A line is a fact: `root` with the folder of this project, `commands` with a
/// compile_commands.json, `object` with each object file of the subject's, `library` with each word for the linker, as
/// CMake has it. Written by slabproof_add_subject() (model/how_compiled.cmake).
const char* how_it_is_compiled();

/// How a subject was compiled. Its commands are those that made its object files, without what only a fuzzer wants.
struct HowCompiled {
  struct Source {
    std::string file;                // an absolute path
    std::vector<std::string> words;  // the compiler, and what it was told besides the file
  };
  std::string root;
  Source adapter;
  std::vector<Source> others;
  std::vector<std::string> libraries;  // words for the linker
};
/// `adapter` is the file that names the subject, as its compiler knew it (__BASE_FILE__). Ends this process with status
/// 2 and the reason where it is not known how a file was compiled.
HowCompiled how_compiled(const std::string& adapter);

/// The commands that compile a test in `file` with everything else, link it, and run it with `environment`, words for a
/// shell.
std::string commands_for(const HowCompiled& how, const std::string& file, const std::string& environment);

}  // namespace slabproof

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slabproof {

/// How an object file was compiled, as a compile_commands.json has it.
struct CompileCommand {
  std::string folder, source;      // where, and what: absolute paths
  std::vector<std::string> words;  // the compiler, and what it was told
};

/// The command that makes `object`, an absolute path, in the text of a compile_commands.json; nothing where none does.
/// O(text).
std::optional<CompileCommand> command_for(const std::string& object, std::string_view database);

/// The words of a line, for a POSIX shell.
std::vector<std::string> words_of(std::string_view line);

/// `path`, where it is relative to `folder`, without dots.
std::string path_in(const std::string& folder, const std::string& path);

}  // namespace slabproof

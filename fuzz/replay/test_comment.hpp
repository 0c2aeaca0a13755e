#pragma once

#include <string>
#include <string_view>

#include "model/judge/verdict.hpp"
#include "model/program/program.hpp"

namespace slabproof {

/// A word for a shell.
std::string shell_word(const std::string& word);

/// What the test of a program in a file of this name is called: its letters and digits.
std::string name_of_test(std::string_view name);
/// `alloc_slab` as AllocSlab: without what is no letter or digit.
std::string camel_case(std::string_view name);

/// What the comment that a test begins with says besides the verdict and the program.
struct TestComment {
  std::string how;       // where its commands are run
  std::string where;     // what it fails on or passes with
  std::string commands;  // lines
  std::string agreed;    // of a program that agrees
  std::string tool;
};
/// That comment; read_input() finds the program in it.
std::string comment_of_test(const Program& program, const Verdict& verdict, const TestComment& words);

}  // namespace slabproof

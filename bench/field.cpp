// slab's caches and their rivals in one process. ci/bench runs this and makes tables of what it prints.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/selection.hpp"

namespace {

constexpr const char* usage =
    "usage: field --list\n"
    "       field --time | --count [--subjects A,B] [--workloads W1,W5] [--sizes 32,64,256,2048]\n"
    "             [--live 1000,10000] [--rounds N]\n"
    "       field --statistics --live 1000,100000 [--subjects A,B] [--sizes 64] [--rounds N]\n"
    "       field --memory --subjects A --sizes 64\n"
    "\n"
    "Measures allocators and prints a line of JSON for each result: nanoseconds of processor time a pair of alloc\n"
    "and free, or a call of statistics(); bytes held; or, under valgrind --tool=callgrind\n"
    "--collect-atstart=no, one file of counts each. With --live only W5, over so many live objects. Mallocs from\n"
    "libraries need, before the start,\n"
    "GLIBC_TUNABLES=glibc.rtld.optional_static_tls=65536\n"
    "\n"
    "exit: 0 measured, 2 not\n";

int list() {
  for (const bench::Subject& subject : bench::subjects())
    std::printf("{\"kind\": \"subject\", \"subject\": \"%s\", \"size\": %zu}\n", subject.name.c_str(), subject.size);
  for (const bench::Missing& missing : bench::missing())
    std::printf("{\"kind\": \"missing\", \"subject\": \"%s\", \"reason\": \"%s\"}\n", missing.name.c_str(),
                missing.reason.c_str());
  return 0;
}

int fail(const std::string& reason) {
  std::fprintf(stderr, "field: %s\n", reason.c_str());
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments{argv + 1, argv + argc};
  if (arguments.size() == 1 && arguments[0] == "--help") return std::printf("%s", usage), 0;
  bench::Selection selection;
  if (const std::string wrong = bench::parse(arguments, selection); !wrong.empty()) return fail(wrong + "\n" + usage);
  bench::add_peers();
  if (selection.what == "--list") return list();
  const std::vector<bench::Case> cases = bench::cases_of(selection);
  if (cases.empty()) return fail("there is nobody of that name, no such workload or no such size");
  if (selection.what == "--memory") {
    const bool is_one =
        std::all_of(cases.begin(), cases.end(), [&](auto& one) { return one.subject == cases[0].subject; });
    return is_one ? (bench::print_memory(*cases[0].subject), 0) : fail("--memory is of one subject and one size");
  }
  if (selection.what == "--statistics") {
    if (selection.live.empty()) return fail("--statistics needs --live");
    return bench::print_statistics(cases, selection.rounds), 0;
  }
  if (selection.what == "--time") return bench::print_times(cases, selection.rounds), 0;
  return bench::count_instructions(cases) ? 0 : fail("it can count only under callgrind, compiled with its header");
}

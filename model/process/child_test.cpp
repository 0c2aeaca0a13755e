// A child process of the harness, and how it ends.
#include "model/process/child.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <new>
#include <string>

#include <gtest/gtest.h>

#include "model/memory/sanitizer.hpp"
#include "model/process/cannot_judge.hpp"
#include "model/process/shared_memory.hpp"

namespace slabproof {
namespace {

int stop() { return raise(SIGSTOP), 0; }
int sleep_for_ever() {
  for (;;) pause();
}
int spin() {
  for (volatile bool going = true; going;) {}
  return 0;
}

TEST(Child, ItsEndIsTold) {
  EXPECT_TRUE(Child{[] { return 7; }}.wait().exited_with(7));
  EXPECT_EQ(Child{[] { return 7; }}.wait().text(), "exit status 7");
  const ChildEnd aborted = Child{[]() -> int { std::abort(); }}.wait();
  EXPECT_EQ(aborted.text(), "signal ABRT");
  EXPECT_EQ(aborted.why_it_tells_nothing(), "");
  const ChildEnd killed = Child{[] { return raise(SIGKILL); }}.wait();
  EXPECT_EQ(killed.why_it_tells_nothing(),
            "it was ended from outside by SIGKILL, as by the kernel when memory runs out");
}

TEST(Child, ItsEndIsToldWhereNobodyWaitsForChildren) {
  signal(SIGCHLD, SIG_IGN);
  EXPECT_TRUE(Child{[] { return 7; }}.wait().exited_with(7));
}

TEST(Child, LeavesItsReasonToItsParent) {
  Child child{[]() -> int { cannot_judge("no time"); }};
  EXPECT_EQ(child.wait().why_it_tells_nothing(child.report()), "no time");
}

// An allocator may pass on to malloc what it was asked for.
TEST(Child, IsRefusedMoreBytesThanThereCanBe) {
  volatile std::size_t most = ~std::size_t{0} / 2, elements = 16;
  Child child{[&]() -> int {
    for (void* const memory : {std::malloc(most), std::calloc(most, 1), std::calloc(most, elements),
                               std::realloc(nullptr, most), ::operator new(most, std::nothrow)})
      if (memory) return 1;
    return 7;
  }};
  EXPECT_EQ(child.wait().text(), "exit status 7");
  EXPECT_EQ(without_refusals(child.report()), "");
  EXPECT_EQ(child.wait().why_it_tells_nothing(child.report()), "");
  if (!has_asan) return;
  Child by_new{[&]() -> int { return ::operator delete(::operator new(most)), 0; }};
  EXPECT_TRUE(by_new.wait().why_it_tells_nothing(by_new.report()).starts_with("operator new was asked for more bytes"));
}

TEST(Child, SaysSoWhereTheHarnessHasNoMemory) {
  Child child{[]() -> int { throw std::bad_alloc{}; }};
  EXPECT_EQ(child.wait().why_it_tells_nothing(child.report()), "it ran out of memory");
}

TEST(Child, LeavesNoCoreDump) {
  rlimit core{};
  getrlimit(RLIMIT_CORE, &core);
  const rlimit most{core.rlim_max, core.rlim_max};
  setrlimit(RLIMIT_CORE, &most);
  if (core.rlim_max == 0) GTEST_SKIP() << "none is allowed here";
  const auto allowed = [] {
    rlimit of_child{};
    getrlimit(RLIMIT_CORE, &of_child);
    return of_child.rlim_cur == 0 ? 0 : 1;
  };
  EXPECT_TRUE(Child{allowed}.wait().exited_with(0));
}

bool runs(pid_t process) {
  std::ifstream file{"/proc/" + std::to_string(process) + "/stat"};
  std::string number, name, state;
  return file >> number >> name >> state && state != "Z";
}

TEST(Child, DiesWithItsParent) {
  const SharedMemory<volatile pid_t> grandchild;
  const auto leave_a_child = [&]() -> int {
    Child child{[&] { return *grandchild = getpid(), sleep_for_ever(); }};
    while (*grandchild == 0) usleep(1000);
    _exit(0);
  };
  ASSERT_TRUE(Child{leave_a_child}.wait().exited_with(0));
  for (int i = 0; i < 2000 && runs(*grandchild); ++i) usleep(1000);
  EXPECT_FALSE(runs(*grandchild));
  kill(*grandchild, SIGKILL);
}

TEST(Child, ThatIsStoppedHasHung) {
  const ChildEnd end = Child{stop, {.processor_seconds = 1}}.wait();
  EXPECT_TRUE(end.hung());
  EXPECT_EQ(end.why_it_tells_nothing(), "");
}

TEST(Child, ThatIsStoppedForAWhileGoesOn) {
  const SharedMemory<volatile pid_t> process;
  Child child{[&] { return *process = getpid(), stop(); }};
  for (int i = 0; i < 100; ++i) {
    usleep(5000);
    ASSERT_FALSE(child.poll());
  }
  kill(*process, SIGCONT);
  EXPECT_TRUE(child.wait().exited_with(0));
}

TEST(Child, ThatMakesNoProgressHasHung) {
  const ChildProgress none{.count = [] { return 0; }, .processor_seconds = 0.2, .idle_seconds = 0.5};
  EXPECT_TRUE(Child{spin}.wait(none).hung());
  EXPECT_TRUE(Child{sleep_for_ever}.wait(none).hung());
  EXPECT_TRUE(Child{[] { return 7; }}.wait(none).exited_with(7));
}

}  // namespace
}  // namespace slabproof

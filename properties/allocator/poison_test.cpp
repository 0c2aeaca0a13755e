#include <array>
#include <climits>
#include <cstddef>
#include <cstdlib>

#include <gtest/gtest.h>

#include <slab/slab.hpp>
#include "properties/allocator/heap_backend.hpp"

// Asks the runtime whether AddressSanitizer is on, not the macros that <slab/poison.hpp> uses; a build with one and
// without the other would test nothing.
extern "C" __attribute__((weak)) void __asan_init();
extern "C" __attribute__((weak)) void __ubsan_handle_add_overflow_abort(void*, void*, void*);

namespace {

#if defined(SLAB_ASAN)
constexpr bool poisoning = true;
#else
constexpr bool poisoning = false;
#endif

#if defined(__has_feature)
constexpr bool ubsan_is_asked_for = __has_feature(undefined_behavior_sanitizer);
bool has_ubsan() { return ubsan_is_asked_for; }
#else
bool has_ubsan() { return &__ubsan_handle_add_overflow_abort != nullptr; }
#endif

TEST(Poisoning, IsOnExactlyWhenAddressSanitizerRuns) {
  void (*volatile init)() = &__asan_init;
  EXPECT_EQ(poisoning, init != nullptr);
}

TEST(SanitizerDeathTest, AFindingOfUndefinedBehaviorSanitizerFailsTheProgram) {
  if (!has_ubsan()) GTEST_SKIP() << "not a build with UndefinedBehaviorSanitizer";
  const auto overflow = [] {
    volatile int big = INT_MAX;
    big = big + 1;
    std::exit(0);
  };
  EXPECT_DEATH(overflow(), "signed integer overflow");
}

#if defined(SLAB_ASAN)

template <std::size_t Size>
struct Object {
  std::array<unsigned char, Size> bytes;
};

void read(const void* address) { static_cast<void>(*static_cast<const volatile unsigned char*>(address)); }
void write(void* address) { *static_cast<volatile unsigned char*>(address) = 0; }

template <class T>
struct PoisoningDeathTest : testing::Test {
  properties::HeapBackend backend;
  slab::Cache<T, slab::Config{}, properties::HeapBackend> cache{backend};
};
using Objects = testing::Types<Object<1>, Object<17>, Object<64>>;
TYPED_TEST_SUITE(PoisoningDeathTest, Objects);

TYPED_TEST(PoisoningDeathTest, FirstAndLastByteOfAFreedObjectAreGuarded) {
  TypeParam* const object = this->cache.alloc();
  this->cache.free(this->cache.alloc());
  this->cache.free(object);
  EXPECT_DEATH(read(&object->bytes.front()), "AddressSanitizer:");
  EXPECT_DEATH(write(&object->bytes.front()), "AddressSanitizer:");
  EXPECT_DEATH(write(&object->bytes.back()), "AddressSanitizer:");
}

TYPED_TEST(PoisoningDeathTest, OnlyTheBytesOfAnObjectAreOpen) {
  TypeParam* object = this->cache.alloc();
  this->cache.free(object);
  object = this->cache.alloc();  // once freed, so that the padding has been poisoned by free()
  object->bytes.fill(1);
  EXPECT_DEATH(write(object + 1), "AddressSanitizer:") << "the padding, or the next slot's first byte";
  EXPECT_DEATH(write(reinterpret_cast<unsigned char*>(object) + this->cache.geometry().stride()), "AddressSanitizer:");
  this->cache.free(object);
}

TYPED_TEST(PoisoningDeathTest, WhatIsGivenBackIsOpenAgain) {
  this->cache.free(this->cache.alloc());
  EXPECT_EQ(this->cache.shrink(), 1u);  // HeapBackend writes over the whole slab
  EXPECT_TRUE(this->backend.has_everything_back());
}

#endif

}  // namespace

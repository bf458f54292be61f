// CUDA's names on CPU threads, so that kernels/*.cu run where there is no GPU.
//
// A block's threads are threads of the process, and a team's blocks run at the same time.
// Shared memory is poisoned before every block. Copies in the background land only when they
// are waited for (LAZY 1), which shows a missing wait; or at once (LAZY 0), which lets
// ThreadSanitizer see a place that is filled while it is still read.
#pragma once
#include <pthread.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <thread>
#include <vector>

#define HOST 1
#ifndef LAZY
#define LAZY 1
#endif

#define __device__
#define __global__
#define __launch_bounds__(...)
#define KERNEL extern "C" void
#define SHARED(name) unsigned char* const name = host::shared

namespace host {
struct Index {
    unsigned x = 0, y = 0, z = 0;
};
struct Copy {
    void* to;
    const void* from;
    int bytes;
    bool inside;
};
inline thread_local Index thread, block, block_size;
inline thread_local unsigned char* shared;
inline thread_local pthread_barrier_t *block_barrier, *team_barrier;
inline thread_local std::deque<std::vector<Copy>> copies;
}  // namespace host

#define threadIdx host::thread
#define blockIdx host::block
#define blockDim host::block_size

inline void __syncthreads() {
#ifdef WITHOUT_BARRIERS
    usleep(1);  // a test of the test: lets the others in, so that they meet
#else
    pthread_barrier_wait(host::block_barrier);
#endif
}

#include "device.cuh"

inline float widen(float value) { return value; }
inline float widen(bfloat16 value) {
    const unsigned bits = static_cast<unsigned>(value.bits) << 16;
    float wide;
    std::memcpy(&wide, &bits, 4);
    return wide;
}
inline float widen(float16 value) {
    _Float16 half;
    std::memcpy(&half, &value, 2);
    return static_cast<float>(half);
}
inline void narrow(float wide, float& value) { value = wide; }
inline void narrow(float wide, bfloat16& value) {
    unsigned bits;
    std::memcpy(&bits, &wide, 4);
    const unsigned even = bits + 0x7fff + (bits >> 16 & 1);
    value.bits = static_cast<unsigned short>((wide == wide ? even : bits | 0x400000) >> 16);
}
inline void narrow(float wide, float16& value) {
    const _Float16 half = static_cast<_Float16>(wide);
    std::memcpy(&value, &half, 2);
}

namespace host {
inline void land(const Copy& copy) {
    if (copy.inside)
        std::memcpy(copy.to, copy.from, copy.bytes);
    else
        std::memset(copy.to, 0, copy.bytes);
}
}  // namespace host

template <int BYTES>
inline void copy(void* to, const void* from, bool inside, bool) {
    // A misaligned address would fault on a card.
    if (reinterpret_cast<size_t>(to) % BYTES || (inside && reinterpret_cast<size_t>(from) % BYTES)) std::abort();
    const host::Copy copy{to, from, BYTES, inside};
    if (!LAZY) return host::land(copy);
    if (host::copies.empty()) host::copies.emplace_back();
    host::copies.back().push_back(copy);
}

template <int BYTES>
inline void store(void* to, const void* from) {
    if (reinterpret_cast<size_t>(to) % BYTES) std::abort();
    std::memcpy(to, from, BYTES);
}

inline void copies_end() {
    if (host::copies.empty()) host::copies.emplace_back();
    host::copies.emplace_back();
}

template <int PENDING>
inline void copies_wait() {
    // The last entry is the group still open.
    while (host::copies.size() > PENDING + 1) {
        for (const host::Copy& copy : host::copies.front()) host::land(copy);
        host::copies.pop_front();
    }
}

inline int team_member() { return TEAM > 1 ? host::block.x % TEAM : 0; }
inline void team_barrier() {
    if (TEAM > 1) pthread_barrier_wait(host::team_barrier);
}
inline float read_fresh(const float* from) { return *from; }

namespace host {
template <class Argument>
void launch(void (*kernel)(Argument), const Argument& argument, unsigned blocks, unsigned threads, size_t bytes) {
    pthread_barrier_t all, each[TEAM];
    pthread_barrier_init(&all, nullptr, TEAM * threads);
    std::vector<unsigned char*> memory;
    for (pthread_barrier_t& one : each) {
        pthread_barrier_init(&one, nullptr, threads);
        memory.push_back(static_cast<unsigned char*>(std::aligned_alloc(64, (bytes + 64) / 64 * 64)));
    }
    const auto run = [&](unsigned i) {
        const unsigned member = i / threads;
        thread.x = i % threads;
        block_size.x = threads;
        block_barrier = &each[member];
        team_barrier = &all;
        shared = memory[member];
        for (block.x = member; block.x < blocks; block.x += TEAM) {
            if (thread.x == 0) std::memset(shared, 0xff, bytes);
            pthread_barrier_wait(&all);
            copies.clear();
            kernel(argument);
            pthread_barrier_wait(&all);
        }
    };
    std::vector<std::thread> pool;
    for (unsigned i = 0; i < TEAM * threads; ++i) pool.emplace_back(run, i);
    for (std::thread& one : pool) one.join();
    for (unsigned char* one : memory) std::free(one);
    for (pthread_barrier_t& one : each) pthread_barrier_destroy(&one);
    pthread_barrier_destroy(&all);
}
}  // namespace host

// A scan on random values, for ThreadSanitizer: FILE_NAME, FUNCTION and the kernel's -D are given.
#include "host_cuda.h"
#include FILE_NAME

#include <cstdio>
#include <random>
#include <vector>

constexpr int CHANNEL_COUNT = 3, HEIGHT = 21, WIDTH = 18, DIRECTIONS = 4;

struct Tensor {
    std::vector<TYPE> values;
    View view{};

    Tensor(int directions, int channels, int taps, float reach) {
        const int plane = HEIGHT * WIDTH;
        values.resize(static_cast<size_t>(directions) * channels * taps * plane);
        view = {values.data(), 0, channels * taps * plane, taps * plane, plane, WIDTH, 1};
        if (directions == 1) view.direction = 0;
        if (channels == 1) view.channel = 0;
        static std::mt19937 engine(1);
        std::uniform_real_distribution<float> draw(-reach, reach);
        for (TYPE& value : values) narrow(draw(engine), value);
    }
};

int main() {
    const int groups = CHANNELS > 1 ? 1 : CHANNEL_COUNT;
    const int parts = (CHANNEL_COUNT + CHANNELS - 1) / CHANNELS;
    Tensor x(1, CHANNEL_COUNT, 1, 1), affinity(DIRECTIONS, groups, TAPS, 1.f / TAPS);
    Tensor h(DIRECTIONS, CHANNEL_COUNT, 1, 1), grad(DIRECTIONS, CHANNEL_COUNT, 1, 1);
    Tensor grad_x(DIRECTIONS, CHANNEL_COUNT, 1, 1), grad_affinity(DIRECTIONS, parts, TAPS, 1);
    const unsigned blocks = static_cast<unsigned>(DIRECTIONS * parts * TEAM);
    std::vector<float> carry(static_cast<size_t>(blocks) * 2 * CHANNELS * HEIGHT);
    Scan s{};
    s.x = x.view;
    s.affinity = affinity.view;
    s.h = h.view;
    s.grad = grad.view;
    s.grad_x = grad_x.view;
    s.grad_affinity = grad_affinity.view;
    s.carry = carry.data();
    s.channels = CHANNEL_COUNT;
    s.height = HEIGHT;
    s.width = WIDTH;
    s.directions = DIRECTIONS;
    host::launch(FUNCTION, s, blocks, THREADS, SHARED_BYTES);
    std::puts("walked");
}

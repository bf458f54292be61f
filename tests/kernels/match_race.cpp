// A kernel of the match on random values, for ThreadSanitizer: FILE_NAME, FUNCTION and its -D are given.
#include "host_cuda.h"
#include FILE_NAME

#include <cstdio>
#include <random>
#include <vector>

constexpr int SIDE = 21, RADIUS = 2, PLACES = SIDE * SIDE, SEEN = SIDE + 2 * RADIUS;

int main() {
    std::mt19937 engine(1);
    std::uniform_real_distribution<float> draw(-1, 1);
    const auto random = [&](int channels) {
        std::vector<float> values(static_cast<size_t>(PLACES) * channels);
        for (float& value : values) value = draw(engine);
        return values;
    };
    std::vector<float> query = random(FEATURES), key = random(FEATURES), value = random(VALUES);
    std::vector<float> grad_out = random(VALUES), score = random(1), bias = random(1);
    std::vector<float> out = random(VALUES), offset = random(1), grad_query = query, grad_key = key;
    std::vector<float> grad_value = value, grad_bias(PLACES * 25);
    std::vector<int> centre;
    std::vector<int64> order, starts(SEEN * SEEN + 1);
    for (int i = 0; i < PLACES; ++i) {
        centre.insert(centre.end(), {i % SIDE, i / SIDE});
        order.push_back(i);
    }
    // Every pixel looks at its own place.
    for (int i = 0, seen = 0; i <= SEEN * SEEN; ++i) {
        starts[i] = seen;
        const int x = i % SEEN - RADIUS, y = i / SEEN - RADIUS;
        seen += x >= 0 && y >= 0 && x < SIDE && y < SIDE;
    }
    Match m{};
    m.query = query.data();
    m.key = key.data();
    m.value = value.data();
    m.bias = bias.data();
    m.centre = centre.data();
    m.out = out.data();
    m.score = score.data();
    m.offset = offset.data();
    m.grad_out = grad_out.data();
    m.grad_score = bias.data();
    m.order = order.data();
    m.starts = starts.data();
    m.grad_query = grad_query.data();
    m.grad_key = grad_key.data();
    m.grad_value = grad_value.data();
    m.grad_bias = grad_bias.data();
    m.images = 1;
    m.height = m.width = m.rows = m.columns = SIDE;
    m.radius = RADIUS;
    host::launch(FUNCTION, m, BLOCKS, THREADS, 4 * CAPACITY * (FEATURES + VALUES) + 16);
    std::puts("matched");
}

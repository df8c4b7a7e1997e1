// ---- Backward ----

// Heads [first, end) of a group that one split takes.
struct Split {
    int index, first, end;
    template <typename G> __device__ Split(const G& g, int index, int group) : index(index) {
        int heads = g.heads / g.groups;
        first = group * heads + index * heads / g.splits;
        end = group * heads + (index + 1) * heads / g.splits;
    }
};

// (x_s dy_t) decay(s, t) d_s over the heads of a split [t, s], and per head what crosses from before k to k and later within the chunk:
// for each t a running sum over s, then for each k the sum over t. A block: a chunk, a group, a split.
template <typename T> __global__ void __launch_bounds__(Threads, Blocks<T>::value) ssd_exchange(const ssd_arguments<T> g) {
    typedef typename Wide<T>::type R;
    SHARED_MEMORY(R, memory);
    R *crossed = memory, *parts = memory + PairElements;
    Steps<R> steps(parts + Threads);
    Place place;
    i64 block = blockIdx.x;
    int split = block % g.splits;
    block /= g.splits;
    int group = block % g.groups;
    block /= g.groups;
    Span span(g, block / g.chunks(), block % g.chunks());
    Split own(g, split, group);
    R total[4][4];
    clear(total);
    for (int head = own.first; head < own.end; head++) {
        discretize(g, span, head, steps);
        i64 channel = static_cast<i64>(head) * g.width;
        R sum[4][4];
        clear(sum);
        product<true, true>(
            sum, memory, g.width, [&](int t, int p) { return t < span.length ? gated_gradient(g, span.row + t, channel + p) : R(0); },
            [&](int s, int p) { return s < span.length ? load(g.x + (span.row + s) * g.x_stride + channel + p) : R(0); });
        const R* scores = g.scores + span.of(g, g.groups, group) * Chunk * Chunk;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            int t = place.row + i;
            R products[4];
            load_four(scores + t * Chunk + place.column, 4, products);
#pragma unroll
            for (int j = 0; j < 4; j++) {
                int s = place.column + j;
                bool counts = steps.pair(s, t);
                R value = counts ? steps.decay(s, t) * steps.step[s] * sum[i][j] : R(0);
                total[i][j] += value;
                crossed[t * PairPitch + s] = counts ? value * products[j] : R(0);
            }
        }

        __syncthreads();
        int t = threadIdx.x / 4, quarter = threadIdx.x % 4;
        R* row = crossed + t * PairPitch + quarter * Quarter;
        R running = R(0);
#pragma unroll 4
        for (int s = 0; s < Quarter; s++) running += row[s];
        parts[threadIdx.x] = running;
        __syncthreads();
        running = R(0);
        for (int i = 0; i < quarter; i++) running += parts[t * 4 + i];
#pragma unroll 4
        for (int s = 0; s < Quarter; s++) {
            R value = row[s];
            row[s] = running;
            running += value;
        }

        __syncthreads();
        int k = threadIdx.x % Chunk, slice = threadIdx.x / Chunk * Quarter;
        R sum_of_k = R(0);
#pragma unroll 4
        for (int i = slice; i < slice + Quarter; i++) sum_of_k += i >= k ? crossed[i * PairPitch + k] : R(0);
        parts[threadIdx.x] = sum_of_k;
        __syncthreads();
        if (threadIdx.x < Chunk)
            g.crossing[span.of(g, g.heads, head) * Chunk + k] = parts[k] + parts[k + Chunk] + parts[k + 2 * Chunk] + parts[k + 3 * Chunk];
    }

    R* to = g.pairs + (split * (g.batch * g.chunks() * g.groups) + span.of(g, g.groups, group)) * Chunk * Chunk;
#pragma unroll
    for (int i = 0; i < 4; i++) store_four(to + (place.row + i) * Chunk + place.column, 4, total[i]);
}

// Gradients of C, or of B, of a tile of states: each head of a split in turn, then the pairs of all of them at once. With C goes what
// each position has read from the state before the chunk. A block: a chunk, a group, a split, a tile of states.
template <typename T, bool OfB> __global__ void __launch_bounds__(Threads, Blocks<T>::value) ssd_selections(const ssd_arguments<T> g) {
    typedef typename Wide<T>::type R;
    SHARED_MEMORY(R, memory);
    Steps<R> steps(memory + StageElements);
    Place place;
    i64 block = blockIdx.x;
    int n0 = block % g.state_tiles() * Tile;
    block /= g.state_tiles();
    int split = block % g.splits;
    block /= g.splits;
    int group = block % g.groups;
    block /= g.groups;
    Span span(g, block / g.chunks(), block % g.chunks());
    Split own(g, split, group);
    i64 selection = static_cast<i64>(group) * g.states + n0;
    int columns = g.states - n0 - place.column;
    R total[4][4];
    clear(total);
    for (int head = own.first; head < own.end; head++) {
        discretize(g, span, head, steps);
        i64 at = span.of(g, g.heads, head), channel = static_cast<i64>(head) * g.width;
        const R* state = (OfB ? g.after : g.before) + at * g.state_elements() + n0;
        bool reached = OfB ? steps.remains(span.length - 1, span.length) : steps.reads(0) && (span.index > 0 || g.initial);
        R parts[4] = {R(0), R(0), R(0), R(0)};
        if (reached) {
            R sum[4][4];
            clear(sum);
            product<true, false>(
                sum, memory, g.width,
                [&](int t, int p) {
                    if (t >= span.length) return R(0);
                    return OfB ? load(g.x + (span.row + t) * g.x_stride + channel + p) : gated_gradient(g, span.row + t, channel + p);
                },
                [&](int n, int p) { return n0 + n < g.states ? state[static_cast<i64>(p) * g.states + n] : R(0); });
#pragma unroll
            for (int i = 0; i < 4; i++) {
                int t = place.row + i;
                bool counts = OfB ? steps.remains(t, span.length) : steps.reads(t);
                R factor = OfB ? steps.suffix(t) * steps.step[t] : steps.prefix(t), c[4];
                if (!OfB && counts) load_four(g.c + (span.row + t) * g.c_stride + selection + place.column, columns, c);
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    R value = counts ? sum[i][j] * factor : R(0);
                    total[i][j] += value;
                    if (!OfB) parts[i] += counts ? value * c[j] : R(0);
                }
            }
        }

        if (!OfB) {
            R reading = row_sum(parts, memory);
            if (threadIdx.x < Chunk) g.reading[(n0 / Tile * (g.batch * g.chunks() * g.heads) + at) * Chunk + threadIdx.x] = reading;
        }
    }

    i64 groups = g.batch * g.chunks() * g.groups;
    const R* pairs = g.pairs + (split * groups + span.of(g, g.groups, group)) * Chunk * Chunk;
    if (OfB)
        product<false, false, true>(
            total, memory, span.length, steps.later(place.row), [&](int s, int t) { return pairs[t * Chunk + s]; },
            [&](int n, int t) { return n0 + n < g.states ? load(g.c + (span.row + t) * g.c_stride + selection + n) : R(0); });
    else
        product<true, false, true>(
            total, memory, span.length, steps.earlier(place.row), [&](int t, int s) { return pairs[t * Chunk + s]; },
            [&](int n, int s) { return n0 + n < g.states ? load(g.b + (span.row + s) * g.b_stride + selection + n) : R(0); });
    R* partial = OfB ? g.partial_b : g.partial_c;
    T* target = OfB ? g.grad_b : g.grad_c;
    i64 stride = OfB ? g.grad_b_stride : g.grad_c_stride, row_elements = static_cast<i64>(g.groups) * g.states;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        i64 row = span.row + place.row + i;
        if (place.row + i >= span.length || columns <= 0) continue;
        if (g.splits > 1)
            store_four(partial + (split * g.batch * g.length + row) * row_elements + selection + place.column, columns, total[i]);
        else if (target)
            store_four(target + row * stride + selection + place.column, columns, total[i]);
    }
}

// Gradients of B and C from their splits, in order. A thread: an element of a row.
template <typename T> __global__ void __launch_bounds__(Threads) ssd_join(const ssd_arguments<T> g) {
    typedef typename Wide<T>::type R;
    i64 width = static_cast<i64>(g.groups) * g.states, all = g.batch * g.length * width, e = static_cast<i64>(blockIdx.x) * Threads + threadIdx.x;
    if (e >= all) return;
    i64 row = e / width, column = e % width;
    R b = R(0), c = R(0);
    for (int split = 0; split < g.splits; split++) {
        if (g.grad_b) b += g.partial_b[split * all + e];
        if (g.grad_c) c += g.partial_c[split * all + e];
    }

    if (g.grad_b) store(g.grad_b + row * g.grad_b_stride + column, b);
    if (g.grad_c) store(g.grad_c + row * g.grad_c_stride + column, c);
}

// Gradient of d x, [s, p]: of x, through x of d and D, and what each position gives to the state after the chunk. A block: a chunk of a
// head, a tile of its channels.
template <typename T> __global__ void __launch_bounds__(Threads, Blocks<T>::value) ssd_inputs(const ssd_arguments<T> g) {
    typedef typename Wide<T>::type R;
    SHARED_MEMORY(R, memory);
    Steps<R> steps(memory + StageElements);
    Place place;
    i64 block = blockIdx.x;
    int p0 = block % g.width_tiles() * Tile;
    block /= g.width_tiles();
    int head = block % g.heads, group = g.group_of(head);
    block /= g.heads;
    Span span(g, block / g.chunks(), block % g.chunks());
    i64 at = span.of(g, g.heads, head), channel = static_cast<i64>(head) * g.width + p0, entries = g.batch * g.chunks() * g.heads;
    int columns = g.width - p0 - place.column;
    const T* x = g.x + span.row * g.x_stride + channel;
    discretize(g, span, head, steps);

    // From the state after the chunk; and the product of the states before and after it, which are here anyway.
    const T* b = g.b + span.row * g.b_stride + static_cast<i64>(group) * g.states;
    i64 tile = at * g.state_elements() + static_cast<i64>(p0) * g.states;
    bool passes = steps.reads(span.length - 1) && (span.index > 0 || g.initial);
    R sum[4][4], dot = R(0), parts[4], xs[4][4];
    clear(sum);
    product<true, true>(
        sum, memory, g.states, [&](int s, int n) { return s < span.length ? load(b + s * g.b_stride + n) : R(0); },
        [&](int p, int n) {
            if (p0 + p >= g.width) return R(0);
            i64 element = tile + static_cast<i64>(p) * g.states + n;
            R value = g.after[element];
            if (passes) dot += value * g.before[element];
            return value;
        });
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int s = place.row + i;
        bool remains = steps.remains(s, span.length);
        R suffix = steps.suffix(s);
        if (s < span.length)
            load_four(x + s * g.x_stride + place.column, columns, xs[i]);
        else
#pragma unroll
            for (int j = 0; j < 4; j++) xs[i][j] = R(0);
        parts[i] = R(0);
#pragma unroll
        for (int j = 0; j < 4; j++) {
            sum[i][j] = remains ? sum[i][j] * suffix : R(0);
            parts[i] += remains ? sum[i][j] * xs[i][j] : R(0);
        }
    }

    i64 own = p0 / Tile * entries + at;
    dot = block_sum(dot, memory);
    if (threadIdx.x == 0) g.carried[own] = passes ? dot * steps.total() : R(0);
    R written = row_sum(parts, memory);
    if (threadIdx.x < Chunk) g.written[own * Chunk + threadIdx.x] = steps.remains(threadIdx.x, span.length) ? written * steps.step[threadIdx.x] : R(0);

    // From later positions of the chunk.
    const R* scores = g.scores + span.of(g, g.groups, group) * Chunk * Chunk;
    product<false, false, true>(
        sum, memory, span.length, steps.later(place.row), [&](int s, int t) { return steps.pair(s, t) ? scores[t * Chunk + s] * steps.decay(s, t) : R(0); },
        [&](int p, int t) { return p0 + p < g.width ? gated_gradient(g, span.row + t, channel + p) : R(0); });
    R skipped[4] = {R(0), R(0), R(0), R(0)};
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int s = place.row + i;
        parts[i] = R(0);
        if (s >= span.length || columns <= 0) continue;
        R row[4], grad[4];
        if (g.skip) gated_four(g, span.row + s, channel + place.column, columns, grad);
#pragma unroll
        for (int j = 0; j < 4; j++) {
            parts[i] += sum[i][j] * xs[i][j];
            row[j] = sum[i][j] * steps.step[s];
            if (g.skip) {
                row[j] += skip_of(g, head, p0 + place.column + j) * grad[j];
                skipped[j] += grad[j] * xs[i][j];
            }
        }

        if (g.grad_x) store_four(g.grad_x + (span.row + s) * g.grad_x_stride + channel + place.column, columns, row);
    }

    R through = row_sum(parts, memory);
    if (threadIdx.x < Chunk) g.through[own * Chunk + threadIdx.x] = through;
    if (g.skip && g.grad_skip) {
        R skip = column_sum(skipped, memory);
        if (threadIdx.x < Tile && p0 + threadIdx.x < g.width) g.sums_skip[at * g.width + p0 + threadIdx.x] = skip;
    }
}

// Gradients of the steps of a chunk of a head: through its inputs, and through what crosses from k - 1 to k. A block of 64 threads.
template <typename T> __global__ void __launch_bounds__(Chunk) ssd_step_gradients(const ssd_arguments<T> g) {
    typedef typename Wide<T>::type R;
    SHARED_MEMORY(R, memory);
    R *reading = memory, *written = memory + Chunk;
    Steps<R> steps(memory + 2 * Chunk);
    int k = threadIdx.x, head = blockIdx.x % g.heads;
    i64 chunk = blockIdx.x / g.heads, entries = g.batch * g.chunks() * g.heads;
    Span span(g, chunk / g.chunks(), chunk % g.chunks());
    i64 at = span.of(g, g.heads, head);
    R read = R(0), wrote = R(0), through = R(0), carried = R(0);
    for (int tile = 0; tile < g.state_tiles(); tile++) read += g.reading[(tile * entries + at) * Chunk + k];
    for (int tile = 0; tile < g.width_tiles(); tile++) {
        i64 own = tile * entries + at;
        wrote += g.written[own * Chunk + k];
        through += g.through[own * Chunk + k];
        carried += g.carried[own];
    }

    reading[k] = read;
    written[k] = wrote;
    discretize(g, span, head, steps);
    R later = R(0), earlier = R(0);
    for (int t = Chunk - 1; t >= k; t--) later += reading[t];
    for (int s = 0; s < k; s++) earlier += written[s];
    R crossing = g.crossing[at * Chunk + k] + later + earlier + carried, grad = (through + g.a[head] * crossing) * steps.slope[k];
    bool counts = k < span.length;
    __syncthreads();
    if (counts && g.grad_dt) store(g.grad_dt + (span.row + k) * g.grad_dt_stride + head, grad);
    R a = block_sum(counts ? steps.step[k] * crossing : R(0), memory), bias = block_sum(counts ? grad : R(0), memory);
    if (k == 0) {
        g.sums_a[at] = a;
        g.sums_bias[at] = bias;
    }
}

// Gradients of A, dt_bias and D of a head over all chunks, in double: slices in order, then a tree. A block of 256 threads: a head.
template <typename R> __global__ void __launch_bounds__(Threads) ssd_parameter_gradients(const ssd_arguments<R> g) {
    SHARED_MEMORY(double, memory);
    int head = blockIdx.x;
    i64 rows = g.batch * g.chunks();
    double a = 0, bias = 0, all = 0;
    for (i64 row = threadIdx.x; row < rows; row += Threads) {
        a += g.sums_a[row * g.heads + head];
        bias += g.sums_bias[row * g.heads + head];
    }

    a = block_sum(a, memory);
    bias = block_sum(bias, memory);
    if (threadIdx.x == 0) {
        if (g.grad_a) g.grad_a[head] = static_cast<R>(a);
        if (g.grad_bias) g.grad_bias[head] = static_cast<R>(bias);
    }

    if (!g.skip || !g.grad_skip) return;
    for (int p0 = 0; p0 < g.width; p0 += Tile) {
        int p = p0 + threadIdx.x % Tile, slice = threadIdx.x / Tile;
        double sum = 0;
        if (p < g.width)
#pragma unroll 4
            for (i64 row = slice; row < rows; row += Threads / Tile) sum += g.sums_skip[(row * g.heads + head) * g.width + p];
        memory[threadIdx.x] = sum;
        __syncthreads();
        if (slice == 0 && p < g.width) {
            sum = memory[threadIdx.x] + memory[threadIdx.x + Tile] + memory[threadIdx.x + 2 * Tile] + memory[threadIdx.x + 3 * Tile];
            all += sum;
            if (g.skip_per_channel) g.grad_skip[static_cast<i64>(head) * g.width + p] = static_cast<R>(sum);
        }

        __syncthreads();
    }

    all = block_sum(all, memory);
    if (threadIdx.x == 0 && !g.skip_per_channel) g.grad_skip[head] = static_cast<R>(all);
}

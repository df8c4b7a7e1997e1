using System.Runtime.InteropServices;
using MambaExt.Kernels.Cuda;
using MambaExt.Tests.Shared;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>The emulator itself, on kernels as small as what they show.</summary>
public sealed class EmulatorTests
{
    private const string Kernels = """
        struct Task { void* values; i64 count; };

        // Every lane of four reads each other way; the results lie beside each other.
        template <typename T> __global__ void shuffles(Task task) {
            T* out = static_cast<T*>(task.values) + threadIdx.x * 4;
            T own = T(threadIdx.x);
            out[0] = __shfl_sync(0xFFFFFFFFu, own, 3);
            out[1] = __shfl_xor_sync(0xFFFFFFFFu, own, 5);
            out[2] = __shfl_up_sync(0xFFFFFFFFu, own, 2);
            out[3] = __shfl_down_sync(0xFFFFFFFFu, own, 2);
        }

        // A sum over a block by halves, through both kinds of shared memory.
        template <int Threads> __global__ void __launch_bounds__(Threads) block_sums(Task task) {
            __shared__ float last[Threads];
            SHARED_MEMORY(float, first);
            float* values = static_cast<float*>(task.values);
            first[threadIdx.x] = values[(i64)blockIdx.x * blockDim.x + threadIdx.x];
            __syncthreads();
            last[threadIdx.x] = first[blockDim.x - 1 - threadIdx.x];
            for (int half = Threads / 2; half > 0; half /= 2) {
                __syncthreads();
                if (threadIdx.x < half) last[threadIdx.x] += last[threadIdx.x + half];
            }
            if (threadIdx.x == 0) values[task.count + blockIdx.x] = last[0];
        }

        __global__ void converts(Task task) {
            float* x = static_cast<float*>(task.values);
            i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x;
            if (i >= task.count) return;
            f16 h; bf16 b;
            store(&h, x[i]); store(&b, x[i]);
            x[task.count + i] = load(&h); x[2 * task.count + i] = load(&b); x[3 * task.count + i] = exp2_of(x[i]);
        }

        __global__ void divergent(Task task) { if (threadIdx.x != task.count) __syncthreads(); }
        __global__ void two_barriers(Task task) {
            if (threadIdx.x < task.count) __syncthreads(); // the first
            else __syncthreads(); // the second
        }
        __global__ void half_warp(Task task) { if (threadIdx.x < 16) __syncwarp(); }
        __global__ void lone_shuffle(Task task) {
            float* values = static_cast<float*>(task.values);
            if (threadIdx.x < 16) values[threadIdx.x] = __shfl_down_sync(0xFFFFu, 1.0f, 8);
        }
        __global__ void unwritten(Task task) {
            __shared__ float own[32];
            SHARED_MEMORY(float, given);
            static_cast<float*>(task.values)[blockIdx.x] = own[threadIdx.x] + given[threadIdx.x];
            own[threadIdx.x] = given[threadIdx.x] = 0;
        }
        __global__ void shared_overrun(Task task) { SHARED_MEMORY(unsigned char, bytes); bytes[task.count] = 1; }
        __global__ void overrun(Task task) { static_cast<volatile float*>(task.values)[task.count] = 1; }
        __global__ void order(Task task) { *static_cast<float*>(task.values) = blockIdx.x; }
        __global__ void stack_overrun(Task task) {
            volatile float taps[4]; volatile i64 index = task.count;
            for (int k = 0; k < 4; k++) taps[k] = k;
            __syncthreads();
            taps[index] = 1;
        }
        __global__ void static_overrun(Task task) {
            __shared__ float own[32];
            own[threadIdx.x] = 1;
            *static_cast<float*>(task.values) = own[task.count]; // one too far
        }
        """;

    private static readonly KernelSource Source = KernelSource.FromText("emulator_test.cu", Kernels);

    private static readonly string[] Instances =
    [
        "shuffles<float>", "shuffles<double>", "shuffles<int>", "block_sums<64>", "block_sums<256>", "converts", "divergent", "two_barriers", "half_warp",
        "lone_shuffle", "unwritten", "shared_overrun", "overrun", "order", "stack_overrun", "static_overrun",
    ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Emulator", "address")]
    public void Shuffles_read_the_lane_that_they_name(bool reverse)
    {
        using EmulatedGpu gpu = Gpu(reverse);
        Assert.Equal(ExpectedShuffles(), Run<float>(gpu, "shuffles<float>", 256, new(1, 64), 0).Select(v => (double)v));
        Assert.Equal(ExpectedShuffles(), Run<double>(gpu, "shuffles<double>", 256, new(1, 64), 0));
        Assert.Equal(ExpectedShuffles(), Run<int>(gpu, "shuffles<int>", 256, new(1, 64), 0).Select(v => (double)v));
    }

    [Theory]
    [InlineData(64, false)]
    [InlineData(256, false)]
    [InlineData(256, true)]
    [Trait("Emulator", "address")]
    public void Blocks_share_memory_between_barriers(int threads, bool reverse)
    {
        using EmulatedGpu gpu = Gpu(reverse);
        float[] values = [.. Enumerable.Range(0, 3 * threads).Select(i => (float)i), 0, 0, 0];
        float[] result = Run(gpu, $"block_sums<{threads}>", values, new(3, threads, threads * 4), 3 * threads);
        Assert.Equal(Enumerable.Range(0, 3).Select(b => values.Skip(b * threads).Take(threads).Sum()), result[(3 * threads)..]);
    }

    [Fact]
    public void Sixteen_bit_numbers_round_as_the_runtime_rounds_them()
    {
        using EmulatedGpu gpu = Gpu();
        var random = new Random(1);
        float[] x = [.. Enumerable.Range(0, 65536).Select(i => (float)BitConverter.UInt16BitsToHalf((ushort)i)),
            .. Enumerable.Range(0, 65536).Select(_ => BitConverter.Int32BitsToSingle((random.Next(90, 145) << 23) | (random.Next(2) << 31) | random.Next(1 << 23))),
            65519.996f, 65520, -65520, 1e-8f, 5.9604645e-8f, 2.9802322e-8f, 6.1035153e-5f, float.Epsilon, -0f];
        float[] result = Run(gpu, "converts", [.. x, .. new float[3 * x.Length]], new((x.Length + 127) / 128, 128), x.Length);
        for (int i = 0; i < x.Length; i++)
        {
            Assert.Equal((float)(Half)x[i], result[x.Length + i]);
            Assert.Equal((float)(BFloat16)x[i], result[(2 * x.Length) + i]);
            double power = Math.Pow(2, x[i]);
            Assert.True(double.IsNaN(x[i]) || power >= float.MaxValue || Math.Abs(result[(3 * x.Length) + i] - power) <= (power < 1.1754943508222875e-38 ? power : power * 3e-7), $"2^{x[i]}");
        }
    }

    [Theory]
    [InlineData("divergent", 5, "thread 0 waits at __syncthreads, line {0}, thread 5 has returned", "void divergent")]
    [InlineData("two_barriers", 40, "thread 0 waits at __syncthreads, line {0}, thread 63 waits at __syncthreads, line {1}", "the first", "the second")]
    [InlineData("half_warp", 0, "the lanes of a warp do not meet: thread 0 waits at __syncwarp, line {0}, thread 16 has returned", "void half_warp")]
    [InlineData("lone_shuffle", 0, "shuffles from lane 16, which is not in its mask 0000ffff")]
    public void Threads_that_do_not_meet_are_an_error_of_the_block(string kernel, long count, string expected, params string[] lines)
    {
        using EmulatedGpu gpu = Gpu();
        CudaException error = Assert.Throws<CudaException>(() => Run<float>(gpu, kernel, 64, new(3, 64), count));
        Assert.StartsWith($"{kernel}, block 0 of 3: ", error.Message);
        Assert.Contains(string.Format(expected, [.. lines.Select(LineOf)]), error.Message);
        Assert.Equal(0, Run<float>(gpu, "order", 1, new(1, 64), 0)[0]);
    }

    [Fact]
    public void Shared_memory_begins_as_no_number_in_every_block()
    {
        using EmulatedGpu gpu = Gpu();
        Assert.All(Run<float>(gpu, "unwritten", 4, new(4, 32, 128), 0), value => Assert.True(float.IsNaN(value)));
    }

    [Fact]
    public void Writing_outside_is_an_error_that_names_the_kernel()
    {
        using EmulatedGpu gpu = Gpu();
        Assert.StartsWith("overrun, block 0 of 1: thread 0 reaches 0x", Assert.Throws<CudaException>(() => Run<float>(gpu, "overrun", 33, new(1, 32), 33)).Message);
        Assert.StartsWith("overrun, block 0 of 1: thread 0 reaches 0x", Assert.Throws<CudaException>(() => Run<float>(gpu, "overrun", 33, new(1, 32), -1500)).Message);
        Assert.Contains("wrote behind its 99 bytes of shared memory", Assert.Throws<CudaException>(() => Run<float>(gpu, "shared_overrun", 1, new(1, 32, 99), 99)).Message);
        Assert.Contains("outside the memory", Assert.Throws<CudaException>(() => Run<float>(gpu, "shared_overrun", 1, new(1, 32, 99), 112)).Message);

        nint aligned = gpu.Allocate(100);
        Assert.Contains("written 0 bytes behind the 100 bytes", Assert.Throws<CudaException>(() => Launch(gpu, "overrun", new(1, 32), aligned, 25)).Message);
    }

    [Fact]
    public void Blocks_run_in_the_order_that_was_asked_for()
    {
        using EmulatedGpu gpu = Gpu(), reversed = Gpu(reverse: true);
        Assert.Equal(6, Run<float>(gpu, "order", 1, new(7, 32), 0)[0]);
        Assert.Equal(0, Run<float>(reversed, "order", 1, new(7, 32), 0)[0]);
    }

    [Fact]
    public void Instances_and_arguments_that_do_not_fit_are_named()
    {
        using EmulatedGpu gpu = Gpu();
        Assert.Contains("no instance block_sums<128> among the 16", Assert.Throws<CudaException>(() => Run<float>(gpu, "block_sums<128>", 1, new(1, 32), 0)).Message);
        Assert.Contains("takes 16 bytes of arguments and was given 8", Assert.Throws<CudaException>(() => gpu.Launch(Source, "order", new(1, 32), 0L)).Message);
        var wrong = KernelSource.FromText("wrong.cu", "__global__ void wrong(int count) { undefined(); }");
        CudaException error = Assert.Throws<CudaException>(() => gpu.Launch(wrong, "wrong", new(1, 32), 0));
        Assert.Contains("wrong.cu:1:", error.Log);
    }

    [Theory]
    [InlineData(nameof(Planted_overrun_of_memory), "heap-buffer-overflow", "void overrun")]
    [InlineData(nameof(Planted_overrun_of_a_local_array), "stack-buffer-overflow", "taps[index]")]
    [InlineData(nameof(Planted_overrun_of_a_static_array), "global-buffer-overflow", "one too far")]
    [InlineData(nameof(Planted_overrun_of_shared_memory), "heap-buffer-overflow", "void shared_overrun")]
    public async Task AddressSanitizer_names_the_line_of_an_overrun(string planted, string kind, string where)
    {
        (int code, string output) = await SanitizedRun.Of("-method", $"*.{nameof(EmulatorTests)}.{planted}", "-explicit", "only");
        Assert.NotEqual(0, code);
        Assert.Contains(kind, output);
        Assert.Contains($"emulator_test.cu:{LineOf(where)}", output);
    }

    [Fact]
    public async Task AddressSanitizer_finds_nothing_in_the_kernels()
    {
        (int code, string output) = await SanitizedRun.Of("-trait", "Emulator=address");
        Assert.True(code == 0, output);
        Assert.Matches("Total: [1-9][0-9]+, Errors: 0, Failed: 0, Skipped: 0", output);
    }

    [Fact(Explicit = true)]
    public void Planted_overrun_of_memory() => Plant("overrun", 33);

    [Fact(Explicit = true)]
    public void Planted_overrun_of_a_local_array() => Plant("stack_overrun", 4);

    [Fact(Explicit = true)]
    public void Planted_overrun_of_a_static_array() => Plant("static_overrun", 32);

    [Fact(Explicit = true)]
    public void Planted_overrun_of_shared_memory() => Plant("shared_overrun", 99);

    private static void Plant(string kernel, long count)
    {
        using EmulatedGpu gpu = Gpu();
        Run<float>(gpu, kernel, 33, new(1, 32, 99), count);
    }

    private static EmulatedGpu Gpu(bool reverse = false) => EmulatedGpu.Require(Source, Instances, reverse);

    private static object LineOf(string text) => Kernels[..Kernels.IndexOf(text)].Count(c => c == '\n') + 1;

    private static double[] ExpectedShuffles() => [.. Enumerable.Range(0, 64).SelectMany(t =>
    {
        int warp = t / 32 * 32, lane = t % 32;
        return new double[] { warp + 3, warp + (lane ^ 5), lane < 2 ? t : t - 2, lane > 29 ? t : t + 2 };
    })];

    private static T[] Run<T>(EmulatedGpu gpu, string kernel, int length, LaunchSize size, long count)
        where T : unmanaged => Run(gpu, kernel, new T[length], size, count);

    private static T[] Run<T>(EmulatedGpu gpu, string kernel, T[] values, LaunchSize size, long count)
        where T : unmanaged
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(values.AsSpan());
        nint memory = gpu.AllocateExact(bytes.Length);
        gpu.CopyIn(memory, bytes);
        Launch(gpu, kernel, size, memory, count);
        var result = new T[values.Length];
        gpu.CopyOut(MemoryMarshal.AsBytes(result.AsSpan()), memory);
        gpu.Free(memory);
        return result;
    }

    private static void Launch(EmulatedGpu gpu, string kernel, LaunchSize size, nint memory, long count) =>
        gpu.Launch(Source, kernel, size, new KernelTask(memory, count));

    private readonly record struct KernelTask(nint Values, long Count);
}

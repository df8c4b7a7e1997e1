using MambaExt.Kernels.Cuda;
using MambaExt.Tests.Shared;
using Xunit;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>A second front end reads the sources and emits PTX, by a header of our own.</summary>
public sealed class ClangTests(ITestOutputHelper output)
{
    private static readonly string? Clang = NativeProgram.Find("clang", "clang-19", "clang-18", "clang-17", "clang-16", "clang-15", "clang-14");

    public static TheoryData<string> Sources => [.. KernelSource.All.Select(source => source.Name)];

    [Theory]
    [MemberData(nameof(Sources))]
    public void EveryInstanceBecomesPtx(string name)
    {
        KernelSource source = KernelSource.All.Single(one => one.Name == name);
        string[] instances = [.. KernelInstances.Of(source)];
        Assert.NotEmpty(instances);
        string ptx = Compile(source, instances);
        int entries = Count(ptx, ".visible .entry ");
        output.WriteLine($"{name}: {entries} kernels, {ptx.Length / 1024} KiB of PTX, {Count(ptx, "shfl.sync")} shuffles, {Count(ptx, "bar.sync")} barriers");
        Assert.Equal(instances.Length, entries / 2); // each is declared, then defined
    }

    [Fact]
    public void TheHeaderMeansWhatCudaMeans()
    {
        string ptx = Compile(KernelSource.FromText("words.cu", """
            struct Words { float* target; double* wide; };

            __global__ void __launch_bounds__(128) words(Words a) {
                SHARED_MEMORY(float, room);
                __shared__ double fixed[32];
                float x = room[threadIdx.x ^ 1];
                fixed[threadIdx.x & 31] = exp2_of(static_cast<double>(x)) + static_cast<double>(softplus(x));
                __syncthreads();
                __syncwarp();
                x += __shfl_xor_sync(0xFFFFFFFFu, x, 16) + __shfl_up_sync(0xFFFFFFFFu, x, 1) + __shfl_down_sync(0xFFFFFFFFu, x, 2, 8);
                a.target[blockIdx.x * blockDim.x + threadIdx.x] = fmaf(exp2_of(x), fmaxf(x, 1.0f), sigmoid(x));
                a.wide[threadIdx.x] = __shfl_sync(0xFFFFFFFFu, fixed[threadIdx.x & 31], 0);
            }
            """), ["words"]);
        foreach (string expected in new[] { "shfl.sync.bfly.b32", "shfl.sync.up.b32", ", 2, 6175,", "shfl.sync.idx.b32", "bar.sync", "bar.warp.sync", "ex2.approx.ftz.f32", "fma.rn.f32", ".maxntid 128", ".extern .shared .align 16" })
        {
            Assert.Contains(expected, ptx, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void WhatCudaDoesNotKnowIsRefused()
    {
        Xunit.Sdk.XunitException error = Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => Compile(KernelSource.FromText("wrong.cu", "__global__ void wrong(int a) {\n    undeclared = a;\n}\n"), ["wrong"]));
        Assert.Contains("wrong.cu:2:5: error: use of undeclared identifier", error.Message, StringComparison.Ordinal);
    }

    private static string Compile(KernelSource source, IEnumerable<string> instances)
    {
        Assert.SkipWhen(Clang is null, "the second front end is clang, which is not installed (Debian and Ubuntu: clang)");

        // A table of addresses makes the compiler emit each.
        string uses = string.Concat(instances.Select(instance => $"    (const void*)&{instance},\n"));
        string text = $"#line 1 \"clang.h\"\n{TestText.Read("clang.h")}\n{source.Text}\n__device__ __attribute__((used)) const void* const every_kernel[] = {{\n{uses}}};\n";
        (int code, string ptx, string error) = NativeProgram.Run(
            Clang!,
            [
                "-x", "cuda", "-std=c++17", "--cuda-device-only", "-nocudainc", "-nocudalib", "-fms-extensions", "-Werror", "-Wno-unknown-cuda-version", "-Wno-pass-failed",
                "-Xclang", "-target-feature", "-Xclang", "+ptx70", "--cuda-gpu-arch=sm_80", "-O2", "-S", "-o", "-", "-",
            ],
            text);
        Assert.True(code == 0, error);
        return ptx;
    }

    private static int Count(string text, string part) => text.Split(part).Length - 1;
}

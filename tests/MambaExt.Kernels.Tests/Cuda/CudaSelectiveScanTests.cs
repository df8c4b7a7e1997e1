using MambaExt.Kernels.Cuda;
using MambaExt.Tests.Shared;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>The sources of the selective scan on the emulated GPU.</summary>
public sealed class CudaSelectiveScanTests
{
    private static SelectiveScanShape Shape(long batch, long length, int channels, int states, int groups = 1) =>
        new() { Batch = batch, Length = length, Channels = channels, States = states, Groups = groups, Softplus = true };

    private static EmulatedGpu Gpu(bool reverse = false) => EmulatedGpu.Require(KernelSource.SelectiveScan, CudaSelectiveScan.Instances, reverse);

    private static void Check<T>(EmulatedGpu gpu, SelectiveScanShape shape, string what, bool packed = false, int pad = 0, int seed = 1, bool z = true, bool d = true, bool bias = true, bool h0 = true, bool last = true)
        where T : unmanaged
    {
        using var scan = CudaScanCase<T>.Random(gpu, shape, z, d, bias, h0, last, packed, seed, pad);
        scan.Run();
        scan.AssertClose(what);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(33)]
    [InlineData(64)]
    [InlineData(200)]
    [Trait("Emulator", "address")]
    public void Every_length_equals_the_reference(long length)
    {
        using EmulatedGpu gpu = Gpu();
        foreach (bool packed in new[] { false, true })
        {
            Check<float>(gpu, Shape(2, length, 35, 16), $"L {length}, packed {packed}", packed, pad: 3);
            Check<double>(gpu, Shape(1, length, 6, 5, 2) with { Reverse = true }, $"L {length}, packed {packed}", packed);
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 3)]
    [InlineData(31, 1)]
    [InlineData(32, 1)]
    [InlineData(33, 1)]
    [InlineData(64, 2)]
    [InlineData(130, 2)]
    [InlineData(96, 3)]
    public void Every_channel_count_equals_the_reference(int channels, int groups)
    {
        using EmulatedGpu gpu = Gpu();
        foreach (int states in new[] { 1, 3, 4, 5, 8, 9, 16, 17 })
        {
            Check<float>(gpu, Shape(1, 37, channels, states, groups), $"D {channels}, N {states}", pad: 1);
            Check<double>(gpu, Shape(1, 19, channels, states, groups), $"D {channels}, N {states}");
        }
    }

    /// <summary>Several passes over the states, and chunks between two checkpoints.</summary>
    [Theory]
    [InlineData(33, 150)]
    [InlineData(64, 200)]
    [InlineData(100, 300)]
    [InlineData(256, 290)]
    [InlineData(256, 3)]
    public void Large_state_sizes_equal_the_reference(int states, long length)
    {
        using EmulatedGpu gpu = Gpu();
        Check<float>(gpu, Shape(2, length, 6, states, 2), $"N {states}");
        Check<float>(gpu, Shape(1, length, 5, states) with { PerPositionB = false, PerPositionC = false }, $"N {states}, constant", packed: true);
        Check<double>(gpu, Shape(1, length, 3, states), $"N {states}");
    }

    /// <summary>Each pair of the ten switches in each of its four states, the other switches drawn at random.</summary>
    [Fact]
    public void Every_pair_of_options_equals_the_reference()
    {
        const int Options = 10;
        using EmulatedGpu gpu = Gpu();
        var random = new Random(5);
        for (int i = 0; i < Options; i++)
        {
            for (int j = 0; j < i; j++)
            {
                for (int pair = 0; pair < 4; pair++)
                {
                    int mask = random.Next(1 << Options) & ~(1 << i | 1 << j) | (pair & 1) << i | (pair >> 1) << j;
                    bool On(int k) => (mask >> k & 1) != 0;
                    SelectiveScanShape shape = Shape(2, pair == 3 ? 3 : 67, 12, pair == 2 ? 18 : 5, On(8) ? 3 : 1) with
                    {
                        PerPositionB = On(0),
                        PerPositionC = On(1),
                        Softplus = On(2),
                        Reverse = On(3),
                        ReturnStates = On(9) && (i == 9 || j == 9),
                    };
                    bool packed = On(5) ^ On(3);
                    Check<float>(gpu, shape, $"options {mask:b10}", packed, pair, mask, On(4), On(5), On(6), On(7), On(7) ^ On(4));
                    if (pair == 1)
                    {
                        Check<double>(gpu, shape, $"options {mask:b10}", packed, pair, mask, On(4), On(5), On(6), On(7), On(7) ^ On(4));
                    }
                }
            }
        }
    }

    [Theory]
    [InlineData(40, 16, 3)]
    [InlineData(64, 4, 0)]
    [InlineData(7, 8, 1)]
    [InlineData(5, 40, 0)]
    public void Sixteen_bit_sequences_equal_the_reference_on_their_values(int channels, int states, int pad)
    {
        using EmulatedGpu gpu = Gpu();
        foreach (bool packed in new[] { false, true })
        {
            Check<BFloat16>(gpu, Shape(2, 97, channels, states), $"D {channels}, N {states}", packed, pad);
            Check<Half>(gpu, Shape(2, 97, channels, states), $"D {channels}, N {states}", packed, pad);
        }

        Check<BFloat16>(gpu, Shape(1, 45, channels, states) with { PerPositionB = false, Reverse = true }, $"constant B, D {channels}, N {states}");
        Check<Half>(gpu, Shape(1, 45, channels, states) with { ReturnStates = true }, $"states, D {channels}, N {states}");
    }

    /// <summary>L in segments that run side by side.</summary>
    [Theory]
    [InlineData(1, 1000, 3, 16, false)]
    [InlineData(1, 1000, 3, 16, true)]
    [InlineData(2, 769, 40, 3, false)]
    [InlineData(1, 1500, 2, 70, false)]
    [InlineData(1, 1300, 2, 6, true)]
    public void Few_channels_of_a_long_sequence_equal_the_reference(long batch, long length, int channels, int states, bool packed)
    {
        using EmulatedGpu gpu = Gpu();
        SelectiveScanShape shape = Shape(batch, length, channels, states);
        Assert.InRange(new CudaScanPlan(shape).Segments, 3, 8);
        Check<float>(gpu, shape, $"L {length}, D {channels}, N {states}", packed);
        Check<double>(gpu, shape with { PerPositionB = false, PerPositionC = packed, Reverse = true }, $"L {length}, D {channels}, N {states}", packed);
        Check<double>(gpu, shape with { ReturnStates = true, Softplus = false }, $"states, L {length}, D {channels}, N {states}", packed);
        Check<BFloat16>(gpu, shape, $"L {length}, D {channels}, N {states}", packed, h0: false, last: false);
    }

    [Theory]
    [InlineData(2, 130, 70, 16, false)]
    [InlineData(1, 1000, 40, 16, false)]
    [InlineData(3, 70, 5, 20, true)]
    public void Runs_and_orders_of_blocks_never_change_a_bit(long batch, long length, int channels, int states, bool packed)
    {
        var results = new List<Dictionary<string, double[]>>();
        foreach (bool reverse in new[] { false, false, true })
        {
            using EmulatedGpu gpu = Gpu(reverse);
            using var scan = CudaScanCase<float>.Random(gpu, Shape(batch, length, channels, states), packed: packed);
            scan.Run();
            results.Add(scan.Snapshot());
        }

        Assert.All(results[1..], again => Assert.All(again, r => Compare.Same(results[0][r.Key], r.Value, r.Key)));
    }
}

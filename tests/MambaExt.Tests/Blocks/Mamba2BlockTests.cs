using MambaExt.Blocks;
using MambaExt.Kernels;
using MambaExt.Kernels.Cpu;
using MambaExt.Kernels.Verification;
using MambaExt.Tests.Shared;
using MambaExt.Verification;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Blocks;

public sealed class Mamba2BlockTests : TensorTests
{
    private static readonly Mamba2Options Small = new(8) { d_state = 5, headdim = 4, ngroups = 2 };

    public static TheoryData<string> GoldenNames()
    {
        string? folder = SharedData.Find("golden", "scan");
        return folder is null
            ? ["none"]
            : [.. Directory.GetFiles(folder, "*.safetensors").Select(f => Path.GetFileName(f)).Where(f => f.StartsWith("mamba2_block", StringComparison.Ordinal) || f.StartsWith("lm_", StringComparison.Ordinal)).Order()];
    }

    [Theory]
    [MemberData(nameof(GoldenNames))]
    public void Golden_files_of_blocks_and_models_agree(string name)
    {
        GoldenResult? result = GoldenBlock.Run(Path.Combine(SharedData.Require("golden", "scan"), name), new KernelOptions(1, VectorWidth.Default));
        Assert.True(result is { Ok: true }, $"{result}");
    }

    [Fact]
    public void Parameters_carry_their_published_names_and_shapes()
    {
        // mamba2-130m.
        using var block = new Mamba2Block(new Mamba2Options(768));
        var expected = new SortedDictionary<string, string>
        {
            ["in_proj.weight"] = "3352, 768", ["conv1d.weight"] = "1792, 1, 4", ["conv1d.bias"] = "1792", ["dt_bias"] = "24", ["A_log"] = "24", ["D"] = "24",
            ["norm.weight"] = "1536", ["out_proj.weight"] = "768, 1536",
        };
        Assert.Equal(expected, new SortedDictionary<string, string>(block.named_parameters().ToDictionary(p => p.name, p => string.Join(", ", p.parameter.shape))));
        Assert.Equal([.. expected.Keys], block.state_dict().Keys.Order());
        using var other = new Mamba2Block(Small with { bias = true, rmsnorm = false, conv_bias = false, D_has_hdim = true });
        Assert.Equal("A_log D conv1d.weight dt_bias in_proj.bias in_proj.weight out_proj.bias out_proj.weight", string.Join(' ', other.state_dict().Keys.Order(StringComparer.Ordinal)));
        Assert.Equal([16L], other.state_dict()["D"].shape);
        Assert.Equal(["A_log", "D", "dt_bias"], block.named_parameters().Select(p => p.name).Where(MambaBlock.NoWeightDecay).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Parameters_begin_as_published()
    {
        using var block = new Mamba2Block(new Mamba2Options(256) { headdim = 1, dt_min = 0.01, dt_max = 0.05 });
        Dictionary<string, Tensor> parameters = block.named_parameters().ToDictionary(p => p.name, p => (Tensor)p.parameter.detach());
        Tensor rate = exp(parameters["A_log"]), dt = nn.functional.softplus(parameters["dt_bias"]);
        Assert.InRange(rate.min().item<float>(), 0.999f, 1.5f);
        Assert.InRange(rate.max().item<float>(), 15f, 16.001f);
        Assert.InRange(rate.mean().item<float>(), 7.5f, 9.5f);
        Assert.InRange(dt.min().item<float>(), 0.01f * 0.999f, 0.0105f);
        Assert.InRange(dt.max().item<float>(), 0.047f, 0.05f * 1.001f);
        TensorAssert.Same(ones(512), parameters["D"]);
        TensorAssert.Same(ones(512), parameters["norm.weight"]);
    }

    [Theory]
    [InlineData(2, true, false)]
    [InlineData(3, false, false)]
    [InlineData(4, true, true)]
    public void Steps_and_chunks_equal_one_call(int taps, bool norm, bool before)
    {
        using Mamba2Block block = Block(Small with { d_conv = taps, rmsnorm = norm, norm_before_gate = before, D_has_hdim = true });
        Tensor hidden = Draw(2, 70, 8), whole = block.forward(hidden).detach();
        using var cache = new Mamba2Cache(block.Options, 2, ScalarType.Float64);
        List<Tensor> pieces = [];
        long at = 0;
        foreach (long size in new long[] { 2, 0, 49, 1, 13 })
        {
            pieces.Add(block.Forward(hidden.narrow(1, at, size), cache));
            at += size;
        }

        pieces.AddRange(Enumerable.Range(65, 5).Select(t => block.Step(hidden.select(1, t), cache).unsqueeze(1)));
        TensorAssert.Close(whole, cat(pieces, 1), 1e-12);
        cache.Reset();
        TensorAssert.Close(whole.select(1, 0), block.Step(hidden.select(1, 0), cache), 1e-12);
    }

    [Fact]
    public void Single_precision_steps_equal_one_call()
    {
        using var block = new Mamba2Block(new Mamba2Options(64) { d_state = 32, headdim = 16 });
        Tensor hidden = randn(2, 130, 64), whole = block.forward(hidden).detach();
        using var cache = new Mamba2Cache(block.Options, 2);
        Tensor steps = stack(Enumerable.Range(0, 130).Select(t => block.Step(hidden.select(1, t), cache)), 1);
        Assert.InRange((whole - steps).abs().max().item<float>() / whole.abs().max().item<float>(), 0, 1e-5);
    }

    /// <summary>Sequences far longer than a chunk, and heads that forget slowly: what the first positions wrote is read at the last.</summary>
    [Theory]
    [InlineData(ScalarType.Float32, 1e-5)]
    [InlineData(ScalarType.Float64, 1e-12)]
    public void What_was_written_first_is_read_after_many_chunks(ScalarType type, double tolerance)
    {
        const long Length = 512;
        using var block = new Mamba2Block(new Mamba2Options(16) { d_state = 8, headdim = 8, A_init_min = 0.01, A_init_max = 0.1 });
        block.to(type);
        Tensor hidden = randn([1, Length, 16], type), other = hidden.clone();
        other.narrow(1, 0, 8).mul_(3);
        Tensor whole = block.forward(cat([hidden, other], 0)).detach();
        using var cache = new Mamba2Cache(block.Options, 2, type);
        Tensor steps = stack(Enumerable.Range(0, (int)Length).Select(t => block.Step(cat([hidden, other], 0).select(1, t), cache)), 1);
        TensorAssert.Close(steps, whole, tolerance);
        Tensor told = (whole[1] - whole[0]).select(0, -1), stepped = (steps[1] - steps[0]).select(0, -1);
        Assert.True((told.abs().max() / whole.abs().max()).to_type(ScalarType.Float64).item<double>() > 1e-2, "the first positions do not count at the last");
        TensorAssert.Close(stepped, told, 100 * tolerance);
    }

    [Fact]
    public void A_narrow_block_keeps_a_wide_state()
    {
        using var block = new Mamba2Block(Small);
        block.to(ScalarType.BFloat16);
        using var cache = new Mamba2Cache(block.Options, 2, ScalarType.BFloat16);
        Tensor hidden = randn(2, 20, 8).to_type(ScalarType.BFloat16), whole = block.forward(hidden).detach();
        Tensor steps = cat([block.Forward(hidden.narrow(1, 0, 15), cache), .. Enumerable.Range(15, 5).Select(t => block.Step(hidden.select(1, t), cache).unsqueeze(1))], 1);
        Assert.Equal((ScalarType.BFloat16, ScalarType.Float32), (steps.dtype, cache.ssm_state.dtype));
        TensorAssert.Close(whole, steps, 0.02);
    }

    [Fact]
    public void Packed_sequences_equal_separate_runs_with_gradients()
    {
        using Mamba2Block block = Block(Small);
        long[] lengths = [1, 55, 2, 4];
        Tensor hidden = Draw(1, 62, 8).requires_grad_(), twin = Leaf(hidden);
        Tensor numbers = tensor(lengths.SelectMany((l, i) => Enumerable.Repeat(i, (int)l)).ToArray(), [1, 62]);
        Tensor packed = block.Forward(hidden, numbers);
        packed.sin().sum().backward();
        List<Tensor> first = [.. block.parameters().Select(p => p.grad!.clone())];
        block.zero_grad();
        Tensor separate = cat([.. twin.split(lengths, 1).Select(p => block.forward(p))], 1);
        separate.sin().sum().backward();
        TensorAssert.Close(separate, packed, 1e-12);
        TensorAssert.Close(twin.grad!, hidden.grad, 1e-11);
        Assert.All(first.Zip(block.parameters()), p => TensorAssert.Close(p.Second.grad!, p.First, 1e-11));
    }

    [Fact]
    public void Batch_mates_do_not_change_a_result()
    {
        using var block = new Mamba2Block(Small);
        Tensor hidden = randn(3, 70, 8);
        TensorAssert.Close(block.forward(hidden).narrow(0, 1, 1), block.forward(hidden.narrow(0, 1, 1)), 1e-6);
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        using var block = new Mamba2Block(Small);
        using var cache = new Mamba2Cache(block.Options, 2);
        Refusal.Of<ArgumentException>(() => block.forward(randn(3, 8)), "[3, 8]", "[B, L, 8]");
        Refusal.Of<ArgumentException>(() => block.forward(Draw(1, 3, 8)), "Float64", "Float32");
        Refusal.Of<ArgumentException>(() => block.Step(randn(2, 1, 8), cache), "[2, 1, 8]", "[B, 8]");
        Refusal.Of<ArgumentException>(() => block.Forward(randn(3, 1, 8), cache), "cache", "[2, 4, 36, 4, 4, 5]", "[3, 4, 36, 4, 4, 5]");
        Refusal.Of<ArgumentException>(() => new Mamba2Cache(Small, -1), "-1");
        Refusal.Of<ArgumentException>(
            () => new Mamba2Block(new Mamba2Options(8) { d_state = 0, d_conv = 9, ngroups = 0, dt_min = 1, dt_limit = (1, 0), norm_eps = -1, A_init_min = 0 }),
            "d_state is 0", "d_conv is 9", "ngroups is 0", "dt_min and dt_max", "dt_limit", "norm_eps", "A_init_min");
        Refusal.Of<ArgumentException>(() => new Mamba2Block(new Mamba2Options(8) { headdim = 5 }), "headdim 5", "16");
        Refusal.Of<ArgumentException>(() => new Mamba2Block(new Mamba2Options(8) { headdim = 4, ngroups = 3 }), "4 heads", "ngroups 3");
    }

    private static Mamba2Block Block(Mamba2Options options)
    {
        var block = new Mamba2Block(options);
        block.to(ScalarType.Float64);
        return block;
    }
}

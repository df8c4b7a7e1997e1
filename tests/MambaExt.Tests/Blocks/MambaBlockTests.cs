using MambaExt.Blocks;
using MambaExt.Kernels;
using MambaExt.Kernels.Cpu;
using MambaExt.Kernels.Verification;
using MambaExt.Tests.Shared;
using MambaExt.Verification;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Blocks;

public sealed class MambaBlockTests : TensorTests
{
    [Theory]
    [InlineData(96, 34_080)]
    [InlineData(64, 16_320)]
    [InlineData(52, 11_388)]
    [InlineData(48, 9_840)]
    public void Parameters_count_as_published(int model, long expected)
    {
        using var block = new MambaBlock(new MambaOptions(model) { d_state = 16, d_conv = 4, expand = 1 });
        Assert.Equal(expected, block.parameters().Sum(p => p.numel()));
    }

    [Fact]
    public void Parameters_carry_their_published_names_and_shapes()
    {
        using var block = new MambaBlock(new MambaOptions(32) { d_state = 5, bias = true });
        var expected = new SortedDictionary<string, string>
        {
            ["in_proj.weight"] = "128, 32", ["in_proj.bias"] = "128", ["conv1d.weight"] = "64, 1, 4", ["conv1d.bias"] = "64", ["x_proj.weight"] = "12, 64",
            ["dt_proj.weight"] = "64, 2", ["dt_proj.bias"] = "64", ["A_log"] = "64, 5", ["D"] = "64", ["out_proj.weight"] = "32, 64", ["out_proj.bias"] = "32",
        };
        Assert.Equal(expected, new SortedDictionary<string, string>(block.named_parameters().ToDictionary(p => p.name, p => string.Join(", ", p.parameter.shape))));
        Assert.Equal([.. expected.Keys], block.state_dict().Keys.Order());
        Assert.All(block.parameters(), p => Assert.True(p.requires_grad));
        using var plain = new MambaBlock(new MambaOptions(32) { conv_bias = false });
        Assert.DoesNotContain(plain.named_parameters(), p => p.name is "in_proj.bias" or "out_proj.bias" or "conv1d.bias");
    }

    [Fact]
    public void Parameters_begin_as_published()
    {
        var options = new MambaOptions(64) { d_state = 7, dt_rank = 9, dt_min = 0.01, dt_max = 0.05 };
        using var block = new MambaBlock(options);
        Dictionary<string, Tensor> parameters = block.named_parameters().ToDictionary(p => p.name, p => (Tensor)p.parameter.detach());
        TensorAssert.Close(log(arange(1, 8, dtype: ScalarType.Float64)).expand(128, 7), parameters["A_log"], 1e-6);
        TensorAssert.Same(ones(128), parameters["D"]);
        Tensor dt = nn.functional.softplus(parameters["dt_proj.bias"]);
        Assert.InRange(dt.min().item<float>(), 0.01f * 0.999f, 0.015f);
        Assert.InRange(dt.max().item<float>(), 0.04f, 0.05f * 1.001f);
        Tensor weight = parameters["dt_proj.weight"].abs();
        Assert.InRange(weight.max().item<float>(), 0.9f / 3, 1f / 3);
        Assert.True(weight.unique().output.numel() > 1000);
    }

    [Fact]
    public void Initial_steps_are_held_above_the_floor()
    {
        using var block = new MambaBlock(new MambaOptions(32) { dt_min = 1e-6, dt_max = 1e-5, dt_init_floor = 1e-4 });
        Tensor bias = block.named_parameters().Single(p => p.name == "dt_proj.bias").parameter;
        TensorAssert.Close(full(64, 1e-4), nn.functional.softplus(bias.detach().to_type(ScalarType.Float64)), 1e-9);
    }

    [Fact]
    public void A_block_made_inside_a_scope_outlives_it()
    {
        MambaBlock block;
        using (NewDisposeScope())
        {
            block = new MambaBlock(new MambaOptions(8));
        }

        LeakCheck.Collect();
        block.forward(randn(1, 3, 8)).sum().backward();
        Assert.All(block.named_parameters(), p => TensorAssert.Finite(p.parameter.grad, p.name));
        block.Dispose();
    }

    public static TheoryData<string> GoldenNames()
    {
        string? folder = SharedData.Find("golden", "scan");
        return folder is null ? ["none"] : [.. Directory.GetFiles(folder, "mamba_block*.safetensors").Select(f => Path.GetFileName(f)).Order()];
    }

    [Theory]
    [MemberData(nameof(GoldenNames))]
    public void Golden_files_agree(string name)
    {
        string path = Path.Combine(SharedData.Require("golden", "scan"), name);
        GoldenResult? result = GoldenBlock.Run(path, new KernelOptions(1, VectorWidth.Default));
        Assert.True(result is { Ok: true }, $"{result}");
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Steps_equal_one_call(int taps)
    {
        using MambaBlock block = Block(taps);
        Tensor hidden = Draw(2, 9, 8);
        Tensor whole = block.forward(hidden).detach();
        using var cache = new MambaCache(block.Options, 2, ScalarType.Float64);
        Tensor steps = stack(Enumerable.Range(0, 9).Select(t => block.Step(hidden.select(1, t), cache)), 1);
        TensorAssert.Close(whole, steps, 1e-12);
        Assert.False(steps.requires_grad);

        cache.Reset();
        TensorAssert.Close(whole.select(1, 0), block.Step(hidden.select(1, 0), cache), 1e-12);
    }

    [Fact]
    public void Chunks_of_any_size_equal_one_call()
    {
        using MambaBlock block = Block();
        Tensor hidden = Draw(1, 77, 8);
        using var cache = new MambaCache(block.Options, 1, ScalarType.Float64);
        List<Tensor> pieces = [];
        long at = 0;
        foreach (long size in new long[] { 2, 0, 1, 66, 8 })
        {
            pieces.Add(block.Forward(hidden.narrow(1, at, size), cache));
            at += size;
        }

        TensorAssert.Close(block.forward(hidden).detach(), cat(pieces, 1), 1e-12);
        Assert.Equal([1, 4, 16], cache.conv_state.shape);
        Assert.Equal([1, 16, 16], cache.ssm_state.shape);
    }

    [Fact]
    public void A_cache_keeps_no_more_than_it_needs()
    {
        // Outside of the count: TorchSharp never uncounts the tensor that a parameter was made from.
        using MambaBlock block = Block();
        LeakCheck.LeavesNothing(() => WithoutScope(() =>
        {
            using var cache = new MambaCache(block.Options, 1, ScalarType.Float64);
            using Tensor hidden = Draw(1, 40, 8);
            block.Forward(hidden, cache).Dispose();
            Assert.Equal(4 * 16, cache.conv_state.storage<double>().Count);
        }));
    }

    [Fact]
    public void A_narrow_block_keeps_a_wide_state()
    {
        using var block = new MambaBlock(new MambaOptions(8));
        block.to(ScalarType.BFloat16);
        using var cache = new MambaCache(block.Options, 2, ScalarType.BFloat16);
        Tensor hidden = randn(2, 9, 8).to_type(ScalarType.BFloat16);
        Tensor whole = block.forward(hidden).detach();
        Tensor steps = cat([block.Forward(hidden.narrow(1, 0, 5), cache), .. Enumerable.Range(5, 4).Select(t => block.Step(hidden.select(1, t), cache).unsqueeze(1))], 1);
        Assert.Equal((ScalarType.BFloat16, ScalarType.Float32), (steps.dtype, cache.ssm_state.dtype));
        TensorAssert.Close(whole, steps, 0.01);
    }

    [Fact]
    public void Reverse_equals_flipping_twice_with_gradients()
    {
        using MambaBlock block = Block();
        Tensor hidden = Draw(2, 9, 8).requires_grad_(), twin = Leaf(hidden);
        Tensor y = block.Forward(hidden, reverse: true), flipped = block.Forward(twin.flip(1)).flip(1);
        TensorAssert.Close(flipped, y, 1e-12);
        y.sin().sum().backward();
        List<Tensor> first = Gradients(block);
        flipped.sin().sum().backward();
        TensorAssert.Close(twin.grad!, hidden.grad, 1e-11);
        Assert.All(first.Zip(Gradients(block)), p => TensorAssert.Close(p.First, p.Second, 1e-11));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Packed_sequences_equal_separate_runs_with_gradients(bool reverse)
    {
        using MambaBlock block = Block();
        int[] lengths = [1, 5, 2, 4];
        Tensor hidden = Draw(1, 12, 8).requires_grad_(), twin = Leaf(hidden);
        Tensor numbers = tensor(lengths.SelectMany((l, i) => Enumerable.Repeat(i, l)).ToArray(), [1, 12]);
        Tensor packed = block.Forward(hidden, numbers, reverse);
        packed.sin().sum().backward();
        List<Tensor> first = Gradients(block);
        Tensor separate = cat(twin.split(lengths.Select(l => (long)l).ToArray(), 1).Select(p => block.Forward(p, reverse: reverse)).ToArray(), 1);
        separate.sin().sum().backward();
        TensorAssert.Close(separate, packed, 1e-12);
        TensorAssert.Close(twin.grad!, hidden.grad, 1e-11);
        Assert.All(first.Zip(Gradients(block)), p => TensorAssert.Close(p.First, p.Second, 1e-11));
    }

    [Theory]
    [InlineData(0, 4)]
    [InlineData(2, 0)]
    [InlineData(2, 1)]
    public void Empty_batches_and_sequences_pass_through(long batch, long length)
    {
        using MambaBlock block = Block();
        Tensor hidden = Draw(batch, length, 8).requires_grad_();
        Tensor y = block.forward(hidden);
        Assert.Equal([batch, length, 8], y.shape);
        y.sum().backward();
        Assert.Equal(hidden.shape, hidden.grad!.shape);
    }

    [Fact]
    public void Inputs_of_the_wrong_kind_are_refused()
    {
        using var block = new MambaBlock(new MambaOptions(8));
        using var cache = new MambaCache(block.Options, 2);
        Refusal.Of<ArgumentException>(() => block.forward(randn(3, 8)), "[3, 8]", "[B, L, 8]", "batch first");
        Refusal.Of<ArgumentException>(() => block.forward(randn(1, 3, 9)), "[1, 3, 9]", "[B, L, 8]");
        Refusal.Of<ArgumentException>(() => block.forward(Draw(1, 3, 8)), "Float64", "Float32", "convert");
        Refusal.Of<ArgumentException>(() => block.forward(randn(1, 3, 8).to(META)), "meta", "cpu", "convert");
        Refusal.Of<ArgumentException>(() => block.Forward(randn(1, 3, 8), zeros([1, 3], ScalarType.Int64)), "seq_idx is Int64", "Int32");
        Refusal.Of<ArgumentException>(() => block.Step(randn(2, 1, 8), cache), "[2, 1, 8]", "[B, 8]", "one position");
        Refusal.Of<ArgumentException>(() => block.Forward(randn(3, 1, 8), cache), "cache", "[2, 4, 16, 16]", "[3, 4, 16, 16]");
        using var other = new MambaCache(block.Options with { d_state = 5 }, 2);
        Refusal.Of<ArgumentException>(() => block.Forward(randn(2, 1, 8), other), "[2, 4, 16, 5]", "options");
        using var wide = new MambaCache(block.Options, 2, ScalarType.Float64);
        Refusal.Of<ArgumentException>(() => block.Forward(randn(2, 1, 8), wide), "Float64", "Float32", "type");
        Refusal.Of<ArgumentException>(() => new MambaCache(block.Options, -1), "-1", "0 or more");
        Refusal.Of<ArgumentException>(() => new MambaCache(block.Options, 1, ScalarType.Int32), "Int32", "float32");
    }

    [Fact]
    public void Options_out_of_range_are_refused_all_at_once()
    {
        Refusal.Of<ArgumentException>(
            () => new MambaBlock(new MambaOptions(0) { d_state = 257, d_conv = 5, expand = 0, dt_rank = -1, dt_min = 0.2, dt_init_floor = 0 }),
            "d_model is 0", "d_state is 257", "1 to 256", "d_conv is 5", "2, 3 and 4", "expand is 0", "dt_rank is -1", "dt_min and dt_max are 0.2 and 0.1", "dt_init_floor is 0", "correct");
        Refusal.Of<ArgumentException>(() => new MambaBlock(new MambaOptions(2_000_000_000)), "expand * d_model is 4000000000");
        Refusal.Of<ArgumentException>(() => new MambaOptions(8) { dt_max = double.NaN }.Validate(), "NaN", "finite");
        new MambaOptions(1) { d_state = 256, d_conv = 2, expand = 1 }.Validate();
    }

    internal static MambaBlock Block(int taps = 4)
    {
        var block = new MambaBlock(new MambaOptions(8) { d_conv = taps });
        block.to(ScalarType.Float64);
        return block;
    }

    /// <summary>The parameters' gradients, taken away from them.</summary>
    private static List<Tensor> Gradients(MambaBlock block)
    {
        List<Tensor> gradients = block.parameters().Select(p => p.grad!.clone()).ToList();
        block.zero_grad();
        return gradients;
    }
}

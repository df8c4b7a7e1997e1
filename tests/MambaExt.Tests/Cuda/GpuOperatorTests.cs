using MambaExt.Blocks;
using MambaExt.Kernels.Cuda;
using MambaExt.Kernels.Verification;
using MambaExt.Native;
using MambaExt.Scan;
using MambaExt.Sparse;
using MambaExt.Tests.Scan;
using MambaExt.Tests.Shared;
using MambaExt.Verification;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Cuda;

/// <summary>The operators and blocks through the launches of a GPU, which the emulator runs on the memory of CPU tensors, against the CPU's kernels.</summary>
public sealed class GpuOperatorTests : TensorTests
{
    /// <summary>Type, tolerance relative to the largest magnitude.</summary>
    public static TheoryData<ScalarType, double> Types => new()
    {
        { ScalarType.Float32, 2e-5 }, { ScalarType.Float64, 1e-11 }, { ScalarType.BFloat16, 4e-2 }, { ScalarType.Float16, 6e-3 },
    };

    [Theory]
    [MemberData(nameof(Types))]
    public void Selective_scan_gives_what_the_cpu_gives(ScalarType type, double tolerance)
    {
        foreach (ScanCase one in new[] { ScanCase.Full with { Length = 20 }, ScanCase.Full with { Packed = true, B = Given.Grouped, C = Given.Grouped }, ScanCase.FromBits(4, 9), ScanCase.FromBits(14, 33) })
        {
            Tensor? sequences = one.Sequences();
            Compare(one.Draw(type), tolerance, t =>
            {
                var (result, last) = one.Run(t, sequences);
                return last is null ? [result] : [result, last];
            });
        }
    }

    [Fact]
    public void States_of_a_scan_are_what_the_cpu_gives()
    {
        var one = new ScanCase { AllStates = true, Softplus = true, Bias = true, Initial = true, Length = 11 };
        Compare(one.Draw(ScalarType.Float32), 2e-5, t => [one.Run(t, null).Out]);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Convolution_gives_what_the_cpu_gives(ScalarType type, double tolerance)
    {
        foreach (bool reverse in new[] { false, true })
        {
            // x as half of a projection: its rows are not contiguous.
            var inputs = Leaves(type, ("both", [2, 17, 26]), ("weight", [13, 1, 4]), ("bias", [13]), ("states", [2, 3, 13]));
            Compare(inputs, tolerance, t =>
            {
                var (result, final) = CausalConv1d.ApplyWithState(t["both"].narrow(2, 13, 13), t["weight"], t["bias"], silu: true, t["states"], reverse: reverse);
                Assert.Equal((type, type), (result.dtype, final.dtype));
                return [result, final];
            });
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Mamba_2_scan_gives_what_the_cpu_gives(ScalarType type, double tolerance)
    {
        var inputs = Leaves(type, ("x", [2, 70, 4, 8]), ("dt", [2, 70, 4]), ("A", [4]), ("B", [2, 70, 2, 16]), ("C", [2, 70, 2, 16]), ("D", [4, 8]), ("z", [2, 70, 4, 8]), ("dt_bias", [4]), ("s", [2, 4, 8, 16]));
        using (no_grad())
        {
            inputs["A"].abs_().neg_();
            inputs["dt"].sub_(2);
        }

        Tensor sequences = tensor([.. Enumerable.Range(0, 140).Select(i => i % 70 / 30)], [2, 70], ScalarType.Int32);
        Compare(inputs, tolerance, t =>
        {
            var (result, last) = StateSpaceDuality.ApplyWithState(t["x"], t["dt"], t["A"], t["B"], t["C"], t["D"], t["z"], t["dt_bias"], t["s"], sequences, dt_softplus: true, (0.01, 1));
            return [result, last];
        });
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Sparse_operators_give_what_the_cpu_gives(ScalarType type, double tolerance)
    {
        using var matrix = new CsrMatrix(4, [0, 2, 2, 5], [1, 3, 0, 1, 2], [0.5f, 2, -1, 3, 1]);
        var inputs = Leaves(type, ("x", [4, 36]), ("weights", [5]), ("heads", [5, 3]), ("gates", [5, 36]), ("target", [3, 36]), ("source", [4, 36]), ("values", [5, 36]));
        Compare(
            inputs, tolerance,
            t =>
            [
                matrix.Multiply(t["x"]), matrix.Sum(t["x"]), matrix.WeightedSum(t["x"], t["weights"]), matrix.WeightedSum(t["x"], t["heads"]), matrix.GatedSum(t["x"], t["gates"]),
                matrix.ArcSum(t["target"], t["source"]), matrix.ArcSum(t["target"], null), matrix.ArcSum(null, t["source"]), matrix.RowSum(t["values"]), matrix.RowSoftmax(t["values"]),
                matrix.GatedMean(t["target"], t["source"], t["x"]),
            ],
            wide: true);
    }

    [Fact]
    public void Sparse_sums_take_16_bits_on_a_gpu_alone()
    {
        using var matrix = new CsrMatrix(4, [0, 2, 2, 5], [1, 3, 0, 1, 2], [0.5f, 2, -1, 3, 1]);
        Tensor x = Draw(4, 5).to_type(ScalarType.BFloat16);
        Assert.Contains("on a GPU bfloat16", Assert.Throws<ArgumentException>(() => matrix.Multiply(x)).Message, StringComparison.Ordinal);
        using EmulatedGpu gpu = Emulated.Gpu();
        using IDisposable _ = GpuDevices.Declare(gpu);
        Tensor y = matrix.Multiply(x);
        Assert.Equal(ScalarType.BFloat16, y.dtype);
        TensorAssert.Close(x.to_type(ScalarType.Float64).select(0, 1) * 0.5 + x.to_type(ScalarType.Float64).select(0, 3) * 2, y.select(0, 0), 4e-3);
    }

    [Fact]
    public void Mamba_block_trains_and_steps_as_on_the_cpu()
    {
        using var block = new MambaBlock(new MambaOptions(12) { d_state = 5 });
        Tensor hidden = Draw(2, 19, 12).to_type(ScalarType.Float32);
        CompareModule(block, t => [block.forward(t["hidden"]), block.Forward(t["hidden"], reverse: true)], hidden);
        CompareSteps(() => new MambaCache(block.Options, 2), (x, cache) => block.Forward(x, cache), hidden);
    }

    [Fact]
    public void Mamba_2_block_trains_and_steps_as_on_the_cpu()
    {
        using var block = new Mamba2Block(new Mamba2Options(16) { d_state = 8, headdim = 8, ngroups = 2 });
        Tensor hidden = Draw(2, 19, 16).to_type(ScalarType.Float32);
        CompareModule(block, t => [block.forward(t["hidden"])], hidden);
        CompareSteps(() => new Mamba2Cache(block.Options, 2), (x, cache) => block.Forward(x, cache), hidden);
    }

    public static TheoryData<string> GoldenModules =>
    [
        .. new[]
        {
            "mamba_block_d16_n16_L33", "mamba_block_d8_n4_L12", "mamba_block_d8_n4_L12_f64", "mamba_block_d8_n4_L3_bias_noconvbias", "mamba2_block_d16_n16_L20_norm_before_gate",
            "mamba2_block_d16_n8_L10_norms_off_Dhp_bias", "mamba2_block_d16_n8_L12", "mamba2_block_d16_n8_L24_packed_limit", "mamba2_block_d16_n8_g2_L33", "lm_mamba1_tiny", "lm_mamba2_tiny",
        },
    ];

    [Theory]
    [MemberData(nameof(GoldenModules))]
    public void Golden_blocks_and_models_pass(string name)
    {
        using EmulatedGpu gpu = Emulated.Gpu();
        using IDisposable _ = GpuDevices.Declare(gpu);
        GoldenResult? result = GoldenBlock.Run(Path.Combine(SharedData.Require("golden", "scan"), name + ".safetensors"), Compute.Options, CPU);
        Assert.True(result!.Ok, $"{result.Reason}, error {result.WorstError:e1}, allowed {result.Tolerance:e0}");
        Assert.Equal((gpu.Name, 0), (result.Device, result.VectorBits));
    }

    [Fact]
    public void Bfloat16_block_keeps_its_types()
    {
        using var block = new MambaBlock(new MambaOptions(12) { d_state = 5 });
        block.to(ScalarType.BFloat16);
        Tensor hidden = Draw(2, 9, 12).to_type(ScalarType.BFloat16).requires_grad_();
        using EmulatedGpu gpu = Emulated.Gpu();
        using IDisposable _ = GpuDevices.Declare(gpu);
        Tensor result = block.forward(hidden);
        result.sum().backward();
        Assert.Equal((ScalarType.BFloat16, ScalarType.BFloat16), (result.dtype, hidden.grad!.dtype));
        Assert.All(block.parameters(), p => Assert.Equal(ScalarType.BFloat16, p.grad!.dtype));
        Assert.All(block.parameters(), p => TensorAssert.Finite(p.grad));
    }

    [Theory]
    [InlineData(ScalarType.Float32, 1e-4)]
    [InlineData(ScalarType.BFloat16, 6e-2)]
    public void A_second_derivative_is_what_the_cpu_gives(ScalarType type, double tolerance)
    {
        ScanCase one = ScanCase.Full with { Length = 5 };
        Compare(one.Draw(type), tolerance, t =>
        {
            Tensor u = t["u"];
            Tensor first = autograd.grad([one.Run(t, null).Out.square().sum()], [u], null, retain_graph: true, create_graph: true)[0];
            return [first];
        });
    }

    [Fact]
    public void Training_steps_leave_no_tensor()
    {
        using EmulatedGpu gpu = Emulated.Gpu();
        using IDisposable _ = GpuDevices.Declare(gpu);
        using var block = new MambaBlock(new MambaOptions(12) { d_state = 5 });
        Tensor hidden = Draw(2, 9, 12).to_type(ScalarType.Float32);
        LeakCheck.LeavesNothing(() =>
        {
            using DisposeScope scope = NewDisposeScope();
            block.zero_grad();
            block.forward(hidden).square().sum().backward();
        });
    }

    [Fact]
    public void A_device_without_driver_is_refused_in_a_sentence()
    {
        Assert.SkipWhen(File.Exists("/dev/nvidiactl") || OperatingSystem.IsWindows(), "this machine may have an NVIDIA driver");
        CudaException error = Assert.Throws<CudaException>(() => GpuDevices.Of(new Device(DeviceType.CUDA, 0)));
        Assert.Contains("driver", error.Message, StringComparison.Ordinal);
        Assert.Contains("install", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_failed_launch_in_backward_surfaces_at_the_next_call()
    {
        using EmulatedGpu gpu = EmulatedGpu.Require(KernelSource.CausalConv1d, [.. CudaCausalConv1d.Instances.Where(i => i.StartsWith("conv_forward", StringComparison.Ordinal))]);
        using IDisposable _ = GpuDevices.Declare(gpu);
        Tensor x = Draw(1, 5, 3).to_type(ScalarType.Float32).requires_grad_(), weight = Draw(3, 4).to_type(ScalarType.Float32);
        CausalConv1d.Apply(x, weight).sum().backward();
        Assert.True(x.grad!.isnan().all().item<bool>());
        Assert.Contains("conv_backward", Assert.Throws<CudaException>(() => CausalConv1d.Apply(x, weight)).Message, StringComparison.Ordinal);
    }

    /// <summary>Outputs and the gradients of all inputs, with a cotangent for each output.</summary>
    /// <param name="inputs">Leaves</param>
    /// <param name="tolerance">Relative to the largest magnitude</param>
    /// <param name="run">The operators</param>
    /// <param name="wide">The CPU does not take 16 bits itself: it is given the same numbers in 32</param>
    private static void Compare(Dictionary<string, Tensor> inputs, double tolerance, Func<Dictionary<string, Tensor>, Tensor[]> run, bool wide = false)
    {
        using EmulatedGpu gpu = Emulated.Gpu();
        Dictionary<string, Tensor> others = inputs.ToDictionary(p => p.Key, p => Leaf(p.Value));
        bool widened = wide && inputs.Values.First().dtype is ScalarType.BFloat16 or ScalarType.Float16;
        Tensor[] right = run(widened ? inputs.ToDictionary(p => p.Key, p => p.Value.to_type(ScalarType.Float32)) : inputs);
        right = widened ? [.. right.Select(r => r.to_type(inputs.Values.First().dtype))] : right;
        Tensor[] cotangents = [.. right.Select(r => randn_like(r))];
        Loss(right, cotangents).backward();
        Tensor[] got;
        using (GpuDevices.Declare(gpu))
        {
            got = run(others);
            Loss(got, cotangents).backward();
        }

        for (int i = 0; i < right.Length; i++)
        {
            Assert.Equal(right[i].dtype, got[i].dtype);
            TensorAssert.Close(right[i], got[i], tolerance, $"output {i}");
        }

        foreach (var (name, leaf) in inputs.Where(p => p.Value.grad is not null))
        {
            Assert.Equal(leaf.dtype, others[name].grad!.dtype);
            TensorAssert.Close(leaf.grad!, others[name].grad, tolerance, $"gradient of {name}");
        }
    }

    private static void CompareModule(nn.Module module, Func<Dictionary<string, Tensor>, Tensor[]> run, Tensor hidden)
    {
        Tensor[] gradients = [];
        foreach (bool first in new[] { true, false })
        {
            module.zero_grad();
            using EmulatedGpu gpu = Emulated.Gpu();
            using IDisposable? _ = first ? null : GpuDevices.Declare(gpu);
            Tensor leaf = Leaf(hidden);
            Tensor[] outputs = run(new Dictionary<string, Tensor> { ["hidden"] = leaf });
            outputs.Select(o => (o * o.cos()).sum()).Aggregate((a, b) => a + b).backward();
            Tensor[] now = [.. outputs.Select(o => o.detach()), leaf.grad!, .. module.parameters().Select(p => p.grad!.clone())];
            if (first)
            {
                gradients = now;
            }
            else
            {
                foreach (var (right, got) in gradients.Zip(now))
                {
                    TensorAssert.Close(right, got, 2e-5);
                }
            }
        }
    }

    private static void CompareSteps<TCache>(Func<TCache> make, Func<Tensor, TCache, Tensor> step, Tensor hidden)
        where TCache : RecurrentCache
    {
        using TCache here = make(), there = make();
        Tensor[] right = Pieces(here);
        using EmulatedGpu gpu = Emulated.Gpu();
        using IDisposable _ = GpuDevices.Declare(gpu);
        Tensor[] got = Pieces(there);
        foreach (var (a, b) in right.Zip(got))
        {
            TensorAssert.Close(a, b, 2e-5);
        }

        TensorAssert.Close(here.ssm_state, there.ssm_state, 2e-5);

        Tensor[] Pieces(TCache cache) => [step(hidden.narrow(1, 0, 7), cache), step(hidden.narrow(1, 7, 1), cache), step(hidden.narrow(1, 8, 2), cache)];
    }

    private static Tensor Loss(Tensor[] outputs, Tensor[] cotangents) => outputs.Zip(cotangents).Select(p => (p.First * p.Second).to_type(ScalarType.Float64).sum()).Aggregate((a, b) => a + b);

    private static Dictionary<string, Tensor> Leaves(ScalarType type, params (string Name, long[] Shape)[] all) =>
        all.ToDictionary(a => a.Name, a => Draw(a.Shape).to_type(type).detach().clone().requires_grad_());
}

using MambaExt.Scan;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Scan;

public sealed class SelectiveScanErrorsTests : TensorTests
{
    private static readonly ScanCase Case = ScanCase.Full with { Packed = true };

    public static TheoryData<string, long[], string> Shapes() => new()
    {
        { "u", [7, 6], "[B, L, D]" },
        { "u", [2, 7, 6, 1], "[B, L, D]" },
        { "delta", [2, 7, 1], "[2, 7, 6]" },
        { "delta", [2, 8, 6], "[2, 7, 6]" },
        { "A", [5, 3], "[6, N]" },
        { "A", [6], "[6, N]" },
        { "B", [2, 7, 4], "[2, 7, G, 3]" },
        { "B", [2, 7], "[2, 7, 3]" },
        { "C", [5, 3], "[6, 3]" },
        { "C", [2, 6, 2, 3], "[2, 7, G, 3]" },
        { "D", [6, 1], "[6]" },
        { "z", [2, 6, 7], "[2, 7, 6]" },
        { "delta_bias", [5], "[6]" },
        { "initial_state", [2, 6], "[2, 6, 3]" },
        { "initial_state", [1, 6, 3], "[2, 6, 3]" },
        { "seq_idx", [2], "[2, 7]" },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_wrong_shape_is_named_with_the_right_one(string name, long[] shape, string expected)
    {
        Dictionary<string, Tensor> inputs = Case.Draw();
        Tensor sequences = name == "seq_idx" ? zeros(shape, ScalarType.Int32) : Case.Sequences()!;
        if (name != "seq_idx")
        {
            inputs[name] = zeros(shape, ScalarType.Float64);
        }

        Refusal.Of<ArgumentException>(() => Case.Run(inputs, sequences), $"{name} has shape [{string.Join(", ", shape)}]", expected);
    }

    [Theory]
    [InlineData("u", ScalarType.Int64)]
    [InlineData("delta", ScalarType.Float32)]
    [InlineData("A", ScalarType.ComplexFloat64)]
    [InlineData("B", ScalarType.BFloat16)]
    [InlineData("initial_state", ScalarType.Float32)]
    [InlineData("z", ScalarType.Int32)]
    public void A_wrong_type_is_named_with_the_right_one(string name, ScalarType type)
    {
        Dictionary<string, Tensor> inputs = Case.Draw();
        inputs[name] = zeros(inputs[name].shape, type);
        Refusal.Of<ArgumentException>(() => Case.Run(inputs, Case.Sequences()), $"{name} is {type}", name == "u" ? "float64" : "Float64", "convert");
    }

    [Fact]
    public void A_sequence_index_of_64_bits_is_refused() =>
        Refusal.Of<ArgumentException>(() => Case.Run(Case.Draw(), Case.Sequences()!.to_type(ScalarType.Int64)), "seq_idx is Int64", "Int32", "convert");

    [Theory]
    [InlineData("u")]
    [InlineData("A")]
    [InlineData("initial_state")]
    public void A_tensor_on_another_device_is_refused(string name)
    {
        Dictionary<string, Tensor> inputs = Case.Draw();
        inputs[name] = inputs[name].detach().to(META);
        Refusal.Of<ArgumentException>(() => Case.Run(inputs, null), "meta", "cpu", "device");
    }

    [Fact]
    public void A_device_without_kernels_is_refused() =>
        Refusal.Of<NotSupportedException>(() => Case.Run(Case.Draw().ToDictionary(p => p.Key, p => p.Value.detach().to(META)), null), "meta", "CPU", "cpu()");

    [Fact]
    public void Different_groups_of_B_and_C_are_refused()
    {
        Dictionary<string, Tensor> inputs = Case.Draw();
        inputs["B"] = Draw(2, 7, 2, 3);
        inputs["C"] = Draw(2, 7, 3, 3);
        Refusal.Of<ArgumentException>(() => Case.Run(inputs, null), "2 groups", "3", "same number");
        inputs["B"] = Draw(2, 7, 4, 3);
        inputs["C"] = Draw(2, 7, 4, 3);
        Refusal.Of<ArgumentException>(() => Case.Run(inputs, null), "4 groups", "6 channels");
    }

    [Fact]
    public void A_state_size_beyond_the_kernels_is_refused() =>
        Refusal.Of<ArgumentException>(
            () => SelectiveScan.Apply(zeros(1, 2, 3), zeros(1, 2, 3), zeros(3, 257), zeros(1, 2, 257), zeros(1, 2, 257)), "257", "256");

    [Fact]
    public void A_refused_call_leaves_no_tensor_behind() => LeakCheck.LeavesNothing(() =>
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> inputs = Case.Draw();
        inputs["D"] = zeros(5, ScalarType.Float64);
        Assert.Throws<ArgumentException>(() => Case.Run(inputs, null));
    });
}

using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Shared;

/// <summary>Compares tensors as a whole.</summary>
internal static class TensorAssert
{
    /// <summary>Same shape, and <c>max|a - b| &lt;= tolerance * (1 + max|b|)</c>.</summary>
    public static void Close(Tensor expected, Tensor? actual, double tolerance, string what = "tensor")
    {
        Xunit.Assert.True(actual is { IsInvalid: false }, $"{what} is missing");
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        Xunit.Assert.Equal((what, string.Join(", ", expected.shape)), (what, string.Join(", ", actual.shape)));
        if (expected.numel() == 0)
        {
            return;
        }

        Tensor b = expected.to_type(ScalarType.Float64);
        double error = (actual.to_type(ScalarType.Float64) - b).abs().max().item<double>(), scale = 1 + b.abs().max().item<double>();
        Xunit.Assert.True(error <= tolerance * scale, $"{what}: error {error:g3} beside magnitude {scale - 1:g3}, allowed {tolerance:g3}");
    }

    /// <summary>Same shape, type and bits.</summary>
    public static void Same(Tensor expected, Tensor? actual, string what = "tensor")
    {
        Xunit.Assert.True(actual is { IsInvalid: false }, $"{what} is missing");
        Xunit.Assert.Equal((what, expected.dtype, string.Join(", ", expected.shape)), (what, actual.dtype, string.Join(", ", actual.shape)));
        Xunit.Assert.True(expected.Equals(actual), $"{what}: other bits");
    }

    /// <summary>Every entry is a finite number.</summary>
    public static void Finite(Tensor? actual, string what = "tensor")
    {
        Xunit.Assert.True(actual is { IsInvalid: false }, $"{what} is missing");
        using DisposeScope scope = NewDisposeScope();
        Xunit.Assert.True(actual.isfinite().all().item<bool>(), $"{what} has entries that are no finite numbers");
    }
}

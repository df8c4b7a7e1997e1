using System.Globalization;
using MambaExt.Kernels.Verification;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Verification;

/// <summary>Arrays of a golden file as tensors, and the parameters of a module from them.</summary>
internal sealed class GoldenTensors(GoldenFile file)
{
    public ScalarType Type => file.IsDouble ? ScalarType.Float64 : ScalarType.Float32;

    public int Number(string key) => int.Parse(file.Text(key), CultureInfo.InvariantCulture);

    public Tensor Read(string name) => tensor(file.Values(name), file[name].Shape.ToArray()).to_type(Type);

    /// <summary>An int array, or null.</summary>
    public Tensor? Integers(string name, ScalarType type) =>
        file.Find(name) is null ? null : tensor(file.Values(name), file[name].Shape.ToArray()).to_type(type);

    public void Fill(nn.Module module)
    {
        using IDisposable _ = no_grad();
        module.to(Type);
        foreach (var (name, parameter) in module.named_parameters())
        {
            parameter.copy_(Read(name));
        }
    }

    /// <summary>Compares every parameter's gradient.</summary>
    public void CompareGradients(nn.Module module)
    {
        foreach (var (name, parameter) in module.named_parameters())
        {
            Compare("grad_" + name, parameter.grad!, GoldenKind.ParameterGradient);
        }
    }

    public void Compare(string name, Tensor got, GoldenKind kind) =>
        file.Compare(name, got.detach().to_type(ScalarType.Float64).contiguous().data<double>().ToArray(), kind);
}

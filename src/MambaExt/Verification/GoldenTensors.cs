using System.Globalization;
using MambaExt.Kernels.Verification;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Verification;

/// <summary>Arrays of a golden file as tensors, and the parameters of a module from them.</summary>
internal sealed class GoldenTensors(GoldenFile file, Device? device = null)
{
    public ScalarType Type => file.IsDouble ? ScalarType.Float64 : ScalarType.Float32;

    public Device Device => device ?? CPU;

    public int Number(string key) => int.Parse(file.Text(key), CultureInfo.InvariantCulture);

    public Tensor Read(string name) => tensor(file.Values(name), file[name].Shape.ToArray()).to(Type).to(Device);

    /// <summary>An int array, or null.</summary>
    public Tensor? Integers(string name, ScalarType type) =>
        file.Find(name) is null ? null : tensor(file.Values(name), file[name].Shape.ToArray()).to_type(type).to(Device);

    public void Fill(nn.Module module)
    {
        using IDisposable _ = no_grad();
        module.to(Type);
        module.to(Device);
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

    public GoldenResult Result(string kernel, int vectorBits)
    {
        string title = $"{kernel}, {(file.IsDouble ? "double" : "single")}";
        return GpuDevices.Of(Device) is { } gpu ? file.Result(title, 0, gpu.Name) : file.Result(title, vectorBits);
    }

    public void Compare(string name, Tensor got, GoldenKind kind) =>
        file.Compare(name, got.detach().cpu().to_type(ScalarType.Float64).contiguous().data<double>().ToArray(), kind);
}

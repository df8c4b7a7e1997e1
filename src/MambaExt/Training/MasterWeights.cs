using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Training;

/// <summary>
/// bfloat16 training with float32 master weights (Micikevicius et al., arXiv 1710.03740; bfloat16 needs no loss scale, arXiv 1905.12322):
/// the model computes in bfloat16, the optimizer updates float32 copies, whose roundings the model gets after each step.
/// A_log, D and everything else round alike; the scan itself computes in float32 inside.
/// </summary>
internal sealed class MasterWeights : IDisposable
{
    private readonly List<(string Name, Parameter Live, Parameter Master)> _pairs = [];

    public MasterWeights(nn.Module model)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        var masters = model.named_parameters().Select(p => (p.name, Master: p.parameter.detach().to(ScalarType.Float32).clone())).ToList();
        model.to(ScalarType.BFloat16);
        foreach (var ((name, live), (_, master)) in model.named_parameters().Zip(masters))
        {
            if (live.requires_grad)
            {
                _pairs.Add((name, live, new Parameter(master.DetachFromDisposeScope())));
            }
        }
    }

    public IEnumerable<(string name, Parameter parameter)> Named => _pairs.Select(p => (p.Name, p.Master));

    /// <summary>The float32 weights.</summary>
    public IReadOnlyList<Parameter> Parameters => [.. _pairs.Select(p => p.Master)];

    /// <summary>After each backward: adds the gradients up in float32, since a sum in bfloat16 loses what is below its last place.</summary>
    /// <param name="first">Of those that belong to a step</param>
    public void TakeGradients(bool first)
    {
        using IDisposable _ = no_grad();
        foreach (var (_, live, master) in _pairs)
        {
            Tensor? now = live.grad?.to(ScalarType.Float32);
            master.grad = first || master.grad is not { } sum ? now : now is null ? sum : sum + now;
        }
    }

    /// <summary>After a step: weights rounded to bfloat16.</summary>
    public void GiveWeights()
    {
        using IDisposable _ = no_grad();
        foreach (var (_, live, master) in _pairs)
        {
            live.copy_(master);
        }
    }

    public void Save(StateBag bag) => _pairs.ForEach(p => bag.Tensors["master." + p.Name] = p.Master);

    public void Load(StateBag bag) => _pairs.ForEach(p => bag.CopyTo("master." + p.Name, p.Master));

    public void Dispose() => _pairs.ForEach(p => p.Master.Dispose());
}

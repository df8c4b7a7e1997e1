using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Native;

/// <summary>Gradients inside a custom backward.</summary>
internal static class Gradients
{
    /// <summary>What arrived for an output, or null where nothing depends on it (custom nodes are told not to fill in zeros: the
    /// tensors that TorchSharp keeps for that purpose die with the dispose scope in which forward ran).</summary>
    public static Tensor? Arrived(Tensor? gradient) => gradient is { IsInvalid: false } ? gradient : null;

    /// <summary>Differentiates composed outputs with a graph of its own, for a backward that will be differentiated. One entry an
    /// input: null where it needs none, zeros where no path leads to it.</summary>
    public static List<Tensor?> Composed(IReadOnlyList<(Tensor Output, Tensor? Gradient)> ends, IReadOnlyList<Tensor?> inputs)
    {
        int[] wanted = Enumerable.Range(0, inputs.Count).Where(i => inputs[i] is { requires_grad: true }).ToArray();

        // autograd.grad ends the process when an output has no graph: an empty sequence's last state, for one.
        var live = ends.Where(e => e.Gradient is not null && e.Output.requires_grad).ToArray();
        IList<Tensor?> found = live.Length == 0 || wanted.Length == 0
            ? new Tensor?[wanted.Length]
            : autograd.grad(live.Select(e => e.Output).ToList(), wanted.Select(i => inputs[i]!).ToList(), live.Select(e => e.Gradient!).ToList(), true, true, true)!;
        var slots = new Tensor?[inputs.Count];
        for (int k = 0; k < wanted.Length; k++)
        {
            slots[wanted[k]] = Arrived(found[k]) ?? zeros_like(inputs[wanted[k]]!);
        }

        return [.. slots];
    }

    /// <summary>Runs <paramref name="backward"/> in a dispose scope of its own, out of which only the gradients go: backward may run on
    /// a thread that has none.</summary>
    public static List<Tensor?> Scoped(Func<List<Tensor?>> backward)
    {
        using DisposeScope scope = NewDisposeScope();
        List<Tensor?> gradients = backward();
        gradients.ForEach(g => g?.MoveToOuterDisposeScope());
        return gradients;
    }
}

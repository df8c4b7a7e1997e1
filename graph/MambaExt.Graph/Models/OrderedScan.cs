using MambaExt.Graph.Orders;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Models;

/// <summary>Runs a scan over the vertices in an order, and leaves the choice of the order's noise to no one else: in training one draw, a new one a step with
/// <paramref name="noise"/> (Wang et al., arXiv 2402.00789); in evaluation the mean over draws 0 ... <paramref name="draws"/> - 1.</summary>
/// <param name="rule">The order</param>
/// <param name="noise">New noise from torch's generator at each call in training</param>
/// <param name="draws">Orders that an evaluation takes the mean over, 1 and more</param>
internal sealed class OrderedScan(IVertexOrder rule, bool noise, int draws)
{
    /// <summary>[V, d] to [V, d].</summary>
    /// <param name="graph">V vertices</param>
    /// <param name="x">[V, d]</param>
    /// <param name="training">Whether this is a step of a training</param>
    /// <param name="scan">From rows in order, [1, V, d], and the graph of each (or null for one graph) to rows of the same shape</param>
    public Tensor Forward(GraphInputs graph, Tensor x, bool training, Func<Tensor, Tensor?, Tensor> scan)
    {
        using DisposeScope scope = NewDisposeScope();
        if (training && noise)
        {
            using VertexSequence fresh = graph.FreshSequence(rule);
            return Once(fresh).MoveToOuterDisposeScope();
        }

        int count = training ? 1 : draws;
        Tensor sum = Once(graph.Sequence(rule));
        for (int draw = 1; draw < count; draw++)
        {
            sum = sum + Once(graph.Sequence(rule, draw));
        }

        return (count == 1 ? sum : sum / count).MoveToOuterDisposeScope();

        Tensor Once(VertexSequence sequence) => sequence.Unsort(scan(sequence.Sort(x), sequence.GraphOf));
    }
}

using MambaExt.Distributed;
using static TorchSharp.torch;

namespace MambaExt.RankProgram;

/// <summary>Sums and broadcasts of every type and layout, each against what it must be.</summary>
internal static class Sums
{
    public static string Text(ICommunicator ranks)
    {
        int size = ranks.Size, sumOfRanks = size * (size - 1) / 2;
        var wrong = new List<string>();
        foreach (ScalarType type in new[] { ScalarType.Float32, ScalarType.Float64, ScalarType.Int64, ScalarType.Float16, ScalarType.BFloat16, ScalarType.Int32, ScalarType.Byte })
        {
            Tensor start = arange(6, dtype: ScalarType.Float64).view(2, 3), expected = (start * size + sumOfRanks).to_type(type);
            foreach ((string layout, Tensor tensor) in new[]
            {
                ("contiguous", (start + ranks.Rank).to_type(type)),
                ("transposed", (start + ranks.Rank).to_type(type).t().contiguous().t()),
                ("sliced", cat([start + ranks.Rank, start], 1).to_type(type).narrow(1, 0, 3)),
            })
            {
                ranks.AllReduceSum(tensor);
                Expect($"sum of {type}, {layout}", tensor, expected);
            }
        }

        foreach (int root in new[] { 0, size - 1 })
        {
            Tensor tensor = full(3, ranks.Rank, dtype: ScalarType.BFloat16), empty = zeros(0), truth = tensor == root;
            ranks.Broadcast(tensor, root);
            ranks.Broadcast(empty, root);
            ranks.Broadcast(truth, root);
            Expect($"broadcast of {root}", tensor, full(3, root, dtype: ScalarType.BFloat16));
            Expect($"truth values of {root}", truth, ones(3, dtype: ScalarType.Bool));
        }

        return wrong.Count == 0 ? $"{ranks.Rank} of {size} right" : string.Join(", ", wrong);

        void Expect(string what, Tensor actual, Tensor expected)
        {
            if (actual.dtype != expected.dtype || !actual.Equals(expected))
            {
                wrong.Add($"{what} is {actual.ToString(TorchSharp.TensorStringStyle.Julia)}");
            }
        }
    }
}

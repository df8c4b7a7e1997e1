using System.Security.Cryptography;
using System.Text;
using static TorchSharp.torch;

namespace MambaExt.Distributed;

/// <summary>Names, types and shapes of the tensors that ranks are about to exchange, compared before the first of them is.</summary>
internal static class ParameterManifest
{
    /// <exception cref="ArgumentException">The ranks differ; thrown on all of them, with the first difference by name.</exception>
    public static void RequireSame(ICommunicator communicator, IEnumerable<(string Name, Tensor Tensor)> tensors, string what)
    {
        string[] own = [.. tensors.Select(t => $"'{t.Name}' {t.Tensor.dtype} [{string.Join(", ", t.Tensor.shape)}]")];
        string text = string.Join('\n', own);
        string[] hashes = communicator.AllGather(Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text))));
        if (hashes.Distinct().Count() == 1)
        {
            return;
        }

        // Every rank learns of every other, so that all refuse with the same words.
        string[][] all = [.. communicator.AllGather(text).Select(t => t.Split('\n', StringSplitOptions.RemoveEmptyEntries))];
        int other = Enumerable.Range(1, all.Length - 1).First(rank => hashes[rank] != hashes[0]);
        int at = Enumerable.Range(0, int.MaxValue).First(i => At(all[0], i) != At(all[other], i));
        throw new ArgumentException(
            $"The {what} of the ranks differ: rank 0 has {At(all[0], at)} where rank {other} has {At(all[other], at)}; make the same module with the same options on all ranks.");

        static string At(string[] lines, int at) => at < lines.Length ? lines[at] : "no further one";
    }
}

using System.Security.Cryptography;
using MambaExt.Tests.Shared;

namespace MambaExt.Tests.Distributed;

/// <summary>Processes that mpirun starts: what they send one another, and how their run ends when one of them fails.</summary>
public sealed class MpiRunTests
{
    private const string Program = "MambaExt.RankProgram.dll";

    // The others wait inside a call when one fails; a run that does not notice waits for ever.
    private static readonly TimeSpan MostForFailure = TimeSpan.FromSeconds(20);

    public static TheoryData<string, int> Launchers => new() { { MpiRun.OpenMpi, 2 }, { MpiRun.OpenMpi, 4 }, { MpiRun.Mpich, 2 }, { MpiRun.Mpich, 4 } };

    [Theory]
    [MemberData(nameof(Launchers))]
    public async Task Sums_and_broadcasts_are_right_for_every_type_and_layout(string launcher, int ranks)
    {
        MpiAnswer answer = await MpiRun.Ranks(ranks, Program, ["sum"], launcher);
        Assert.True(answer.Code == 0, answer.Text);
        Assert.Equal(Enumerable.Range(0, ranks).Select(rank => $"{rank} of {ranks} right"), answer.Lines);
    }

    [Theory]
    [MemberData(nameof(Launchers))]
    public async Task Blobs_of_different_length_reach_every_rank(string launcher, int ranks)
    {
        MpiAnswer answer = await MpiRun.Ranks(ranks, Program, ["gather"], launcher);
        Assert.True(answer.Code == 0, answer.Text);
        string expected = string.Join(' ', Enumerable.Range(0, ranks).Select(rank =>
        {
            byte[] sent = [.. Enumerable.Range(0, 70_001 * rank).Select(i => (byte)(31 * rank + i))];
            return $"{sent.Length}:{Convert.ToHexString(SHA256.HashData(sent))}";
        }));
        Assert.Equal(Enumerable.Repeat(expected, ranks), answer.Lines);
    }

    [Theory]
    [InlineData(MpiRun.OpenMpi, "killed", "rank 1 ", "(Killed)")]
    [InlineData(MpiRun.OpenMpi, "throws", "Rank 1 of 4 failed", "broken on purpose")]
    [InlineData(MpiRun.OpenMpi, "returns", "Rank 1 of 4 ends the run with exit code 7.")]
    [InlineData(MpiRun.OpenMpi, "aborts", "Rank 1 of 4 ends the run with exit code 9.")]
    [InlineData(MpiRun.Mpich, "killed", "Killed (signal 9)")]
    [InlineData(MpiRun.Mpich, "throws", "Rank 1 of 4 failed", "broken on purpose")]
    [InlineData(MpiRun.Mpich, "returns", "Rank 1 of 4 ends the run with exit code 7.")]
    [InlineData(MpiRun.Mpich, "aborts", "Rank 1 of 4 ends the run with exit code 9.")]
    public async Task A_rank_that_fails_ends_the_whole_run_with_a_message(string launcher, string how, params string[] mentions)
    {
        MpiAnswer answer = await MpiRun.Ranks(4, Program, [how], launcher);
        Assert.NotEqual(0, answer.Code);
        Assert.True(answer.Time < MostForFailure, answer.Text);
        Assert.All(mentions, mention => Assert.Contains(mention, answer.Out + answer.Error, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Parameters_that_differ_between_ranks_are_refused_by_name_on_all_of_them()
    {
        MpiAnswer answer = await MpiRun.Ranks(2, Program, ["differs"]);
        Assert.True(answer.Code == 0, answer.Text);
        Assert.Equal(4, answer.Lines.Length);
        Assert.All(answer.Lines, line => Assert.Contains("rank 0 has 'second.weight' Float32 [3, 2] where rank 1 has 'second.weight' Float32 [4, 2]", line, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("/there/is/none/libmpi.so", "tried /there/is/none/libmpi.so", "openmpi-bin", "libopenmpi3")]
    [InlineData("libc.so.6", "libc.so.6 is no MPI library")]
    [InlineData("libmpich.so.12", "The launcher started 2 processes", "sees 1")]
    public async Task A_library_that_is_missing_or_not_the_launchers_is_named(string library, params string[] mentions)
    {
        Assert.SkipWhen(library.Contains("mpich", StringComparison.Ordinal) && !System.Runtime.InteropServices.NativeLibrary.TryLoad(library, out _), $"{library} is not installed");
        MpiAnswer answer = await MpiRun.Ranks(2, Program, ["sum"], MpiRun.OpenMpi, ("MAMBAEXT_MPI", library));
        Assert.NotEqual(0, answer.Code);
        Assert.All([.. mentions, "MAMBAEXT_MPI"], mention => Assert.Contains(mention, answer.Error, StringComparison.Ordinal));
    }
}

using MambaExt.Distributed;
using MambaExt.Tests.Shared;
using static TorchSharp.torch;

namespace MambaExt.Tests.Distributed;

public sealed class CommunicatorTests : TensorTests
{
    [Theory]
    [InlineData(null, false)]
    [InlineData("OMPI_COMM_WORLD_SIZE", true)]
    [InlineData("PMI_SIZE", true)]
    [InlineData("PMIX_RANK", true)]
    [InlineData("MAMBAEXT_MPI", true)]
    [InlineData("PATH", false)]
    public void Mpi_is_used_where_a_launcher_or_the_user_says_so(string? set, bool expected) =>
        Assert.Equal(expected, MpiSearch.Launched(name => name == set ? "2" : null));

    [Fact]
    public void The_library_of_the_launcher_is_tried_first()
    {
        string First(params string[] set) => MpiSearch.Candidates(name => set.Contains(name) ? "x" : null)[0];
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the names are those of Linux");
        Assert.Equal("libmpi.so.40", First("OMPI_COMM_WORLD_SIZE"));
        Assert.Equal("libmpi.so.40", First("PMIX_RANK", "PMI_SIZE"));
        Assert.Equal("libmpich.so.12", First("PMI_SIZE"));
        Assert.Equal(["x"], MpiSearch.Candidates(_ => "x"));
    }

    [Fact]
    public void A_missing_library_is_answered_by_one_sentence() =>
        Refusal.Of<NotSupportedException>(() => MpiSearch.Load(["libnone-a", "libnone-b"]), "libnone-a, libnone-b", "MAMBAEXT_MPI", "openmpi-bin", "libopenmpi3");

    [Fact]
    public void An_error_of_the_library_names_function_and_code()
    {
        var error = new MpiException("MPI_Bcast", 6, "invalid root");
        Assert.Equal(("MPI_Bcast", 6, "MPI_Bcast failed with code 6 (invalid root)."), (error.Function, error.Code, error.Message));
    }

    [Theory]
    [InlineData(0, 4)]
    [InlineData(4, 4)]
    [InlineData(9, 4)]
    [InlineData((5L << 31) + 7, MpiCommunicator.MostBytes)]
    public void Pieces_cover_all_elements_in_order(long total, long most)
    {
        long next = 0;
        foreach ((long first, int count) in MpiCommunicator.Pieces(total, most))
        {
            Assert.Equal(next, first);
            Assert.InRange(count, 1, most);
            next += count;
        }

        Assert.Equal(total, next);
    }

    [Fact]
    public void One_process_has_what_it_gives_and_checks_as_many_do()
    {
        using var one = new SingleProcess();
        Tensor x = ones(3);
        one.AllReduceSum(x);
        one.Broadcast(x);
        one.Barrier();
        TensorAssert.Same(ones(3), x);
        Assert.Equal((0, 1), (one.Rank, one.Size));
        Assert.Equal(["text"], one.AllGather("text"));
        Assert.Throws<ArgumentOutOfRangeException>(() => one.Broadcast(x, 1));
        Refusal.Of<ArgumentException>(() => one.AllReduceSum(ones(2, dtype: ScalarType.Bool)), "Bool", "to_type");
        Refusal.Of<ArgumentException>(() => one.AllReduceSum(ones(2, dtype: ScalarType.ComplexFloat32)), "ComplexFloat32");
        Refusal.Of<ArgumentException>(() => one.AllReduceSum(ones(2, 2).to_sparse()), "sparse", "to_dense");
    }
}

using System.Runtime.InteropServices;

namespace MambaExt.Distributed;

/// <summary>
/// The constants of an MPI library, which the standard leaves to each. Open MPI: addresses of objects that the library exports, and 1 for
/// "in place". MPICH and those of its binary interface (Intel MPI, MS-MPI): integers of its mpi.h, and -1.
/// </summary>
internal sealed record MpiHandles(nint World, nint Byte, nint Float32, nint Float64, nint Int64, nint Sum, nint ErrorsReturn, nint InPlace)
{
    /// <summary>Tells the two families apart by one export.</summary>
    public static MpiHandles Of(nint library) => NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out nint world)
        ? new MpiHandles(
            world, Export(library, "ompi_mpi_byte"), Export(library, "ompi_mpi_float"), Export(library, "ompi_mpi_double"), Export(library, "ompi_mpi_int64_t"), Export(library, "ompi_mpi_op_sum"),
            Export(library, "ompi_mpi_errors_return"), 1)
        : new MpiHandles(0x44000000, 0x4c00010d, 0x4c00040a, 0x4c00080b, 0x4c00083a, 0x58000003, 0x54000001, -1);

    private static nint Export(nint library, string name) => NativeLibrary.GetExport(library, name);
}

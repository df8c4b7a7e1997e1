using System.Runtime.InteropServices;
using System.Text;

namespace MambaExt.Distributed;

/// <summary>
/// The dozen functions of an MPI library that a run needs. They are looked up in the library that was asked for, at the time it is asked
/// for: a program that never runs in several processes needs no MPI, and the one import resolver that .NET allows an assembly stays free.
/// </summary>
internal sealed unsafe class MpiLibrary
{
    /// <summary>Any thread may call, one at a time.</summary>
    private const int Serialized = 2;

    // Lengths that mpi.h promises: 8192 and 512 at most in either family.
    private const int MostText = 8192;

    private readonly delegate* unmanaged<int*, int> _initialized;
    private readonly delegate* unmanaged<nint, nint, int, int*, int> _initThread;
    private readonly delegate* unmanaged<int> _finalize;
    private readonly delegate* unmanaged<nint, nint, int> _setErrhandler;
    private readonly delegate* unmanaged<nint, int*, int> _rank;
    private readonly delegate* unmanaged<nint, int*, int> _size;
    private readonly delegate* unmanaged<nint, int> _barrier;
    private readonly delegate* unmanaged<nint, int, nint, int, nint, int> _bcast;
    private readonly delegate* unmanaged<nint, nint, int, nint, nint, nint, int> _allreduce;
    private readonly delegate* unmanaged<nint, int, int> _abort;
    private readonly delegate* unmanaged<byte*, int*, int> _version;
    private readonly delegate* unmanaged<int, byte*, int*, int> _errorString;

    /// <exception cref="EntryPointNotFoundException">It is no MPI library.</exception>
    public MpiLibrary(nint library)
    {
        Handles = MpiHandles.Of(library);
        _initialized = (delegate* unmanaged<int*, int>)Function("MPI_Initialized");
        _initThread = (delegate* unmanaged<nint, nint, int, int*, int>)Function("MPI_Init_thread");
        _finalize = (delegate* unmanaged<int>)Function("MPI_Finalize");
        _setErrhandler = (delegate* unmanaged<nint, nint, int>)Function("MPI_Comm_set_errhandler");
        _rank = (delegate* unmanaged<nint, int*, int>)Function("MPI_Comm_rank");
        _size = (delegate* unmanaged<nint, int*, int>)Function("MPI_Comm_size");
        _barrier = (delegate* unmanaged<nint, int>)Function("MPI_Barrier");
        _bcast = (delegate* unmanaged<nint, int, nint, int, nint, int>)Function("MPI_Bcast");
        _allreduce = (delegate* unmanaged<nint, nint, int, nint, nint, nint, int>)Function("MPI_Allreduce");
        _abort = (delegate* unmanaged<nint, int, int>)Function("MPI_Abort");
        _version = (delegate* unmanaged<byte*, int*, int>)Function("MPI_Get_library_version");
        _errorString = (delegate* unmanaged<int, byte*, int*, int>)Function("MPI_Error_string");

        nint Function(string name) => NativeLibrary.GetExport(library, name);
    }

    /// <summary>The constants of this library.</summary>
    public MpiHandles Handles { get; }

    /// <summary>Starts MPI and lets errors come back as codes. False where another part of this process has started it, which then ends it too.</summary>
    public bool Start()
    {
        int already, provided = Serialized;
        Check("MPI_Initialized", _initialized(&already));
        if (already == 0)
        {
            Check("MPI_Init_thread", _initThread(0, 0, Serialized, &provided));
        }

        Check("MPI_Comm_set_errhandler", _setErrhandler(Handles.World, Handles.ErrorsReturn));
        return provided >= Serialized
            ? already == 0
            : throw new NotSupportedException($"The MPI library offers thread level {provided} and a run needs {Serialized} (calls from any thread, one at a time); name another library with MAMBAEXT_MPI.");
    }

    /// <summary>Ends MPI; returns once all ranks have called it.</summary>
    public void End() => Check("MPI_Finalize", _finalize());

    /// <summary>This process among all, and their number.</summary>
    public (int Rank, int Size) Place()
    {
        int rank, size;
        Check("MPI_Comm_rank", _rank(Handles.World, &rank));
        Check("MPI_Comm_size", _size(Handles.World, &size));
        return (rank, size);
    }

    /// <summary>Name and version, one line.</summary>
    public string Version()
    {
        byte* text = stackalloc byte[MostText + 1];
        int length;
        Check("MPI_Get_library_version", _version(text, &length));
        string first = Encoding.UTF8.GetString(text, Math.Clamp(length, 0, MostText)).Split('\n', ',', '\0')[0];
        return string.Join(' ', first.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    public void Barrier() => Check("MPI_Barrier", _barrier(Handles.World));

    /// <summary><paramref name="count"/> bytes, fewer than 2^31.</summary>
    public void Broadcast(nint buffer, int count, int root) => Check("MPI_Bcast", _bcast(buffer, count, Handles.Byte, root, Handles.World));

    /// <summary><paramref name="count"/> numbers of <paramref name="type"/>, in place.</summary>
    public void AllReduceSum(nint buffer, int count, nint type) =>
        Check("MPI_Allreduce", _allreduce(Handles.InPlace, buffer, count, type, Handles.Sum, Handles.World));

    public void Abort(int code) => _abort(Handles.World, code);

    private void Check(string function, int code)
    {
        if (code != 0)
        {
            byte* text = stackalloc byte[MostText + 1];
            int length = 0;
            bool known = _errorString(code, text, &length) == 0;
            throw new MpiException(function, code, known ? Encoding.UTF8.GetString(text, Math.Clamp(length, 0, MostText)).TrimEnd() : "a code unknown to the library");
        }
    }
}
